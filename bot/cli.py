"""Command `melanoma-bot`: takes photos from Telegram and sends answers."""

import argparse
import asyncio
import logging
import signal
import sys
from typing import Final

from aiogram.exceptions import TelegramNotFound, TelegramUnauthorizedError

from bot.app import run_bot
from bot.locales import check_languages
from bot.locales.catalog import LanguageError
from bot.telegram.bot_token import read_bot_token
from shared.config.settings import Settings, SettingsError, settings
from shared.log import set_up_logging
from shared.redis_client.retry import RedisAccessDenied

#: The bot cannot start, and starting it again without a change would not help.
EXIT_MISCONFIGURED: Final = 2


def main() -> None:
    """Run the bot until a signal stops it. Exits with 0, or with 2 and one sentence if it cannot start."""
    argparse.ArgumentParser(
        prog="melanoma-bot",
        description="Take photographs from Telegram, queue them, and send the answers. After SIGTERM the bot finishes"
        " the jobs in flight; other replicas, or the next start, do the rest.",
        epilog="Settings come from the environment or .env, BOT_TOKEN and REDIS_URL first of all; .env.example in the"
        " project lists them. Only one process may poll Telegram for updates; for more replicas set"
        " MELANOMA_WEBHOOK_URL.",
    ).parse_args()
    try:
        check_languages()
        config = settings()
        set_up_logging(config, secrets=[read_bot_token(config)])
        # aiogram logs a line for each update; the metrics count updates.
        logging.getLogger("aiogram.event").setLevel(logging.WARNING)
        asyncio.run(_run(config))
    except (LanguageError, SettingsError, RedisAccessDenied) as error:
        _exit_misconfigured(str(error))
    except (TelegramUnauthorizedError, TelegramNotFound):
        _exit_misconfigured("Telegram does not know this BOT_TOKEN. Copy it again from @BotFather.")
    except KeyboardInterrupt:
        sys.exit(0)


def _exit_misconfigured(sentence: str) -> None:
    print(f"melanoma-bot: {sentence}", file=sys.stderr)
    sys.exit(EXIT_MISCONFIGURED)


async def _run(config: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run_bot(config, stop)
