"""The bot on this machine, with Telegram's stand-in where there is no token of a real bot."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.subprocesses import BackgroundProcess
from local.worker_processes import command, wait_until_it_says
from shared.contract.names import BOT_READY_EVENT

#: Known to the stand-in only.
_TOKEN: Final = "100000001:opens-nothing-but-the-stand-in-on-localhost"  # noqa: S105 - opens nothing


def stand_in(port: int) -> str:
    """Address of the stand-in: its chat page, and the Bot API below it."""
    return f"http://127.0.0.1:{port}"


def stand_in_command(port: int) -> list[str]:
    """Command line of the stand-in."""
    return [*command("melanoma-simulator"), "--port", str(port)]


def with_stand_in(port: int) -> dict[str, str]:
    """What a bot needs in its environment to talk to the stand-in."""
    return {"BOT_TOKEN": _TOKEN, "MELANOMA_TELEGRAM_API_URL": stand_in(port)}


def start_stand_in(log: Path, port: int, *options: str) -> BackgroundProcess:
    """Start the stand-in with its output in `log`, and wait until it answers. Raises `StartError`."""
    process = BackgroundProcess([*stand_in_command(port), *options], log=log)
    wait_until_it_says("chat page", process, "stand-in for Telegram")
    return process


def start_bot(log: Path, environment: Mapping[str, str]) -> BackgroundProcess:
    """Start a bot with its output in `log`, and wait until it takes updates. Raises `StartError`."""
    bot = BackgroundProcess(command("melanoma-bot"), log=log, environment=environment)
    wait_until_it_says(BOT_READY_EVENT, bot, "bot")
    return bot
