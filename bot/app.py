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

from bot.background.runner import BackgroundTasks
from bot.dependencies import BotDependencies
from bot.handlers import routers
from bot.handlers.commands import list_commands
from bot.locales import translate
from bot.locales.languages import LANGUAGES
from bot.middlewares.retry import retry_until_stored
from bot.services.submissions import SubmissionService
from bot.services.wait_estimate import WaitEstimator
from bot.telegram.api_calls import SendError, call_api
from bot.telegram.bot_token import derive_secret, read_bot_token
from bot.telegram.http_server import WEBHOOK_PATH, add_webhook, application
from bot.telegram.long_polling import poll
from bot.telegram.session import CachingSession
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


async def run_bot(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop` is set. Raises `SettingsError`, `RedisAccessDenied`."""
    secret_token = read_bot_token(settings)
    if settings.webhook_url and not settings.bot_port:
        raise SettingsError("a webhook needs a port to listen on: set MELANOMA_BOT_PORT.")
    server = TelegramAPIServer.from_base(settings.telegram_api_url)
    bot = Bot(secret_token, session=CachingSession(api=server))
    redis = BotDependencies(settings)
    given_up = threading.Event()
    connection = ServiceClient(settings, role="bot", shard=_SHARD, stop=given_up)
    load = WaitEstimator(redis.ledger)
    submissions = SubmissionService(
        ledger=redis.ledger,
        store=redis.store,
        users=redis.users,
        wait_estimator=load,
        overrides=redis.overrides,
        key=bytes.fromhex(derive_secret(secret_token, "job ids")),
    )
    dispatcher = Dispatcher(submissions=submissions, statistics=redis.statistics)
    dispatcher.update.outer_middleware(retry_until_stored)
    dispatcher.include_routers(*routers())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bot.session.close)
        stack.push_async_callback(redis.close)
        await asyncio.to_thread(connection.__enter__)
        stack.push_async_callback(asyncio.to_thread, connection.__exit__, None, None, None)
        stack.callback(given_up.set)
        loops = BackgroundTasks(bot, redis, connection, load, settings)
        loops.start()
        stack.push_async_callback(loops.stop)
        app = application(loops.is_making_progress)
        if settings.webhook_url:
            secret = settings.webhook_secret
            shown = secret.get_secret_value() if secret else derive_secret(secret_token, "webhook")
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
                await call_api(lambda: bot.set_webhook(url, secret_token=secret, allowed_updates=_UPDATES))
            else:
                await call_api(bot.delete_webhook)
            for language in LANGUAGES:
                # The first language is also everyone's who has none of ours.
                await _introduce_in(bot, language, None if language == LANGUAGES[0] else language)
        except SendError as error:
            log.warning("Telegram does not know our commands yet, trying again", said=str(error))
            await asyncio.sleep(_INTRODUCE_PAUSE_S)
        else:
            return


async def _introduce_in(bot: Bot, language: str, code: str | None) -> None:
    private, groups = list_commands(language), list_commands(language, group=True)
    await call_api(lambda: bot.set_my_commands(private, language_code=code))
    await call_api(lambda: bot.set_my_commands(groups, scope=BotCommandScopeAllGroupChats(), language_code=code))
    await call_api(lambda: bot.set_my_description(translate(language, "description"), language_code=code))
    await call_api(lambda: bot.set_my_short_description(translate(language, "short-description"), language_code=code))
