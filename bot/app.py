"""The bot as one process: updates in, loops over the ledger, health."""

import asyncio
import threading
from contextlib import AsyncExitStack
from typing import Final

import structlog
from aiogram import Bot, Dispatcher
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import BotCommandScopeAllGroupChats
from aiohttp import web

from bot.background.runner import Loops
from bot.dependencies import RedisSide
from bot.handlers import routers
from bot.handlers.commands import listed
from bot.locales import text
from bot.locales.languages import LANGUAGES
from bot.middlewares.retry import insist
from bot.services.submissions import Desk
from bot.services.wait_estimate import Load
from bot.telegram.api_calls import SendError, attempt
from bot.telegram.bot_token import derived, token
from bot.telegram.http_server import WEBHOOK_PATH, add_webhook, application
from bot.telegram.long_polling import poll
from bot.telegram.session import Session
from shared.config.settings import Settings, SettingsError
from shared.contract.names import BOT_READY_EVENT
from shared.service.client import ServiceClient

log = structlog.get_logger(__name__)

_UPDATES: Final = ["message", "callback_query", "my_chat_member"]

#: Ids in one message to the workers.
_SHARD: Final = 8

_INTRODUCE_PAUSE_S: Final = 30.0

#: An update that is being written when the process stops may take so long. Seconds.
_HTTP_STOP_S: Final = 3.0


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop` is set. Raises `SettingsError`, `StoreRefused`."""
    secret_token = token(settings)
    if settings.webhook_url and not settings.bot_port:
        raise SettingsError("a webhook needs a port to listen on: set MELANOMA_BOT_PORT.")
    server = TelegramAPIServer.from_base(settings.telegram_api)
    bot = Bot(secret_token, session=Session(api=server))
    redis = RedisSide(settings)
    given_up = threading.Event()
    connection = ServiceClient(settings, role="bot", shard=_SHARD, stop=given_up)
    load = Load(redis.ledger)
    desk = Desk(
        ledger=redis.ledger,
        store=redis.store,
        people=redis.people,
        load=load,
        limits=redis.limits,
        key=bytes.fromhex(derived(secret_token, "job ids")),
    )
    dispatcher = Dispatcher(desk=desk, statistics=redis.statistics)
    dispatcher.update.outer_middleware(insist)
    dispatcher.include_routers(*routers())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bot.session.close)
        stack.push_async_callback(redis.close)
        await asyncio.to_thread(connection.__enter__)
        stack.push_async_callback(asyncio.to_thread, connection.__exit__, None, None, None)
        stack.callback(given_up.set)
        loops = Loops(bot, redis, connection, load, settings)
        loops.start()
        stack.push_async_callback(loops.stop)
        app = application(loops.are_moving)
        if settings.webhook_url:
            secret = settings.webhook_secret
            shown = secret.get_secret_value() if secret else derived(secret_token, "webhook")
            add_webhook(app, bot, dispatcher, shown)
            await _listen(app, settings, stack)
            introducing = asyncio.create_task(_introduce(bot, settings, shown))
            log.info(BOT_READY_EVENT, mode="webhook")
            await stop.wait()
        else:
            if settings.bot_port:
                await _listen(app, settings, stack)
            introducing = asyncio.create_task(_introduce(bot, settings, None))
            log.info(BOT_READY_EVENT, mode="polling")
            await _poll(bot, dispatcher, stop)
        introducing.cancel()
        log.info("stopping: finishing what is in hand, leaving the rest to others")


async def _poll(bot: Bot, dispatcher: Dispatcher, stop: asyncio.Event) -> None:
    stopping, polling = asyncio.create_task(stop.wait()), asyncio.create_task(poll(bot, dispatcher, _UPDATES))
    await asyncio.wait([polling, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if polling.done():
        await polling
    # An update whose handler is cut off here was not confirmed: Telegram brings it again.
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)


async def _listen(app: web.Application, settings: Settings, stack: AsyncExitStack) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_HTTP_STOP_S)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    # Replicas on one machine share the port; behind a proxy each has one of its own.
    await web.TCPSite(runner, settings.bot_host, settings.bot_port, reuse_port=True).start()


async def _introduce(bot: Bot, settings: Settings, secret: str | None) -> None:
    """Tell Telegram how updates come, which commands there are, and what the bot says of itself."""
    url = f"{(settings.webhook_url or '').rstrip('/')}{WEBHOOK_PATH}"
    while True:
        try:
            if secret is not None:
                await attempt(lambda: bot.set_webhook(url, secret_token=secret, allowed_updates=_UPDATES))
            else:
                await attempt(bot.delete_webhook)
            for language in LANGUAGES:
                # The first language is also everyone's who has none of ours.
                await _introduce_in(bot, language, None if language == LANGUAGES[0] else language)
        except SendError as error:
            log.warning("Telegram does not know our commands yet, trying again", said=str(error))
            await asyncio.sleep(_INTRODUCE_PAUSE_S)
        else:
            return


async def _introduce_in(bot: Bot, language: str, code: str | None) -> None:
    private, groups = listed(language), listed(language, group=True)
    await attempt(lambda: bot.set_my_commands(private, language_code=code))
    await attempt(lambda: bot.set_my_commands(groups, scope=BotCommandScopeAllGroupChats(), language_code=code))
    await attempt(lambda: bot.set_my_description(text(language, "description"), language_code=code))
    await attempt(lambda: bot.set_my_short_description(text(language, "short-description"), language_code=code))
