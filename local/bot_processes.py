"""The bot on this machine, with Telegram's stand-in where there is no token of a real bot."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.subprocesses import BackgroundProcess
from local.worker_processes import command, wait_for_log
from shared.contract.names import BOT_READY_EVENT

#: Known to the stand-in only.
_SIMULATOR_TOKEN: Final = "100000001:opens-nothing-but-the-stand-in-on-localhost"  # noqa: S105 - opens nothing


def simulator_url(port: int) -> str:
    """Address of the stand-in: its chat page, and the Bot API below it."""
    return f"http://127.0.0.1:{port}"


def simulator_command(port: int) -> list[str]:
    """Command line of the stand-in."""
    return [*command("melanoma-simulator"), "--port", str(port)]


def simulator_environment(port: int) -> dict[str, str]:
    """What a bot needs in its environment to talk to the stand-in."""
    return {"BOT_TOKEN": _SIMULATOR_TOKEN, "MELANOMA_TELEGRAM_API_URL": simulator_url(port)}


def start_simulator(log: Path, port: int, *options: str) -> BackgroundProcess:
    """Start the stand-in with its output in `log`, and wait until it answers. Raises `StartError`."""
    process = BackgroundProcess([*simulator_command(port), *options], log=log)
    wait_for_log("chat page", process, "stand-in for Telegram")
    return process


def start_bot(log: Path, environment: Mapping[str, str]) -> BackgroundProcess:
    """Start a bot with its output in `log`, and wait until it takes updates. Raises `StartError`."""
    bot = BackgroundProcess(command("melanoma-bot"), log=log, environment=environment)
    wait_for_log(BOT_READY_EVENT, bot, "bot")
    return bot
