"""`melanoma-bot`: photographs in from Telegram, answers out."""

import argparse
import asyncio
import logging
import signal
import sys
from typing import Final

from aiogram.exceptions import TelegramUnauthorizedError

from bot.app import run_bot
from bot.telegram.bot_token import read_bot_token
from shared.config.settings import Settings, SettingsError, settings
from shared.log import set_up_logging
from shared.redis_client.retry import RedisAccessDenied

#: The bot cannot start and trying again without a change would not help.
EXIT_MISCONFIGURED: Final = 2


def main() -> None:
    """Run the bot until it is told to stop. Exits with 0, or with 2 and one sentence where it cannot start."""
    argparse.ArgumentParser(
        prog="melanoma-bot",
        description="Take photographs in from Telegram, queue them, and send the answers. SIGTERM finishes what is in"
        " hand; other replicas, or the next start, do the rest.",
        epilog="Settings come from the environment or .env, BOT_TOKEN and REDIS_URL first of all; .env.example in the"
        " project lists them. One process may ask Telegram for updates; for more replicas set MELANOMA_WEBHOOK_URL.",
    ).parse_args()
    try:
        config = settings()
        secret = read_bot_token(config)
        set_up_logging(config, secrets=[secret])
        # Each update is a line there; the metrics count them.
        logging.getLogger("aiogram.event").setLevel(logging.WARNING)
        asyncio.run(_run(config))
    except (SettingsError, RedisAccessDenied) as error:
        print(f"melanoma-bot: {error}", file=sys.stderr)
        sys.exit(EXIT_MISCONFIGURED)
    except TelegramUnauthorizedError:
        print(
            "melanoma-bot: Telegram does not know this BOT_TOKEN. Copy it once more from @BotFather.", file=sys.stderr
        )
        sys.exit(EXIT_MISCONFIGURED)
    except KeyboardInterrupt:
        sys.exit(0)


async def _run(config: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run_bot(config, stop)
