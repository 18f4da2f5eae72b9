"""Starts the bot and the simulator of Telegram as processes of this machine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from local.subprocesses import BackgroundProcess
from local.worker_processes import command, wait_for_log
from shared.contract.names import BOT_READY_EVENT

#: A bot token that only the simulator accepts.
_SIMULATOR_TOKEN: Final = "100000001:valid-only-for-the-simulator-on-localhost"  # noqa: S105 - opens nothing


def simulator_url(port: int) -> str:
    """Base URL of the simulator: the chat page, and the root of the Bot API."""
    return f"http://127.0.0.1:{port}"


def simulator_command(port: int) -> list[str]:
    """Command line of the simulator."""
    return [*command("melanoma-simulator"), "--port", str(port)]


def simulator_environment(port: int) -> dict[str, str]:
    """Environment variables with which a bot calls the simulator."""
    return {"BOT_TOKEN": _SIMULATOR_TOKEN, "MELANOMA_TELEGRAM_API_URL": simulator_url(port)}


def start_simulator(log: Path, port: int, *options: str) -> BackgroundProcess:
    """Start the simulator with its output in `log`, and wait until it answers. Raises `StartError`."""
    process = BackgroundProcess([*simulator_command(port), *options], log=log)
    wait_for_log("chat page", process, "simulator")
    return process


def start_bot(
    log: Path, environment: Mapping[str, str], command_line: Sequence[str] | None = None
) -> BackgroundProcess:
    """Start a bot with its output in `log`, and wait until it takes updates. Raises `StartError`.

    `command_line` runs it in another way than by its own command.
    """
    bot = BackgroundProcess(command_line or command("melanoma-bot"), log=log, environment=environment)
    wait_for_log(BOT_READY_EVENT, bot, "bot")
    return bot
