"""Wires the bot: the source of updates, the handlers, the background tasks and the HTTP server."""

import asyncio
import threading
from contextlib import AsyncExitStack
from typing import Final

import structlog
from aiogram import Bot, Dispatcher
from aiogram.client.telegram import TelegramAPIServer

from bot.background.bot_profile import register_bot
from bot.background.runner import BackgroundTasks
from bot.dependencies import BotDependencies
from bot.handlers import create_routers
from bot.middlewares.handler_retry import retry_until_stored
from bot.services.consent import ConsentService
from bot.services.privacy import PrivacyService
from bot.services.submissions import SubmissionService
from bot.services.wait_estimate import WaitEstimator
from bot.telegram.bot_token import derive_secret, read_bot_token
from bot.telegram.health import create_health_app, serve_http
from bot.telegram.long_polling import poll_until
from bot.telegram.session import CachingSession
from bot.telegram.webhook import add_webhook, read_webhook
from shared.config.settings import Settings
from shared.contract.names import BOT_READY_EVENT
from shared.service.client import ServiceClient

log = structlog.get_logger(__name__)

_UPDATE_TYPES: Final = ("message", "callback_query", "my_chat_member")

#: Maximum number of job ids in one message to the workers.
_SHARD: Final = 8


async def run_bot(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop` is set. Raises `SettingsError`, `RedisAccessDenied`, `TelegramUnauthorizedError`."""
    token = read_bot_token(settings)
    webhook = read_webhook(settings, token)
    server = TelegramAPIServer.from_base(settings.telegram_api_url)
    bot = Bot(token, session=CachingSession(api=server))
    dependencies = BotDependencies(settings)
    client_stop = threading.Event()
    client = ServiceClient(settings, role="bot", shard=_SHARD, stop=client_stop)
    wait_estimator = WaitEstimator(dependencies.ledger)
    dispatcher = create_dispatcher(dependencies, wait_estimator, bytes.fromhex(derive_secret(token, "job ids")))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bot.session.close)
        stack.push_async_callback(dependencies.close)
        await asyncio.to_thread(client.__enter__)
        stack.push_async_callback(asyncio.to_thread, client.__exit__, None, None, None)
        stack.callback(client_stop.set)
        tasks = BackgroundTasks(bot, dependencies, client, wait_estimator, settings)
        tasks.start()
        stack.push_async_callback(tasks.stop)
        app = create_health_app(tasks.is_making_progress)
        if webhook is not None:
            add_webhook(app, bot, dispatcher, webhook.secret)
        if settings.bot_port:
            await stack.enter_async_context(serve_http(app, settings.bot_host, settings.bot_port))
        registration = asyncio.create_task(register_bot(bot, webhook, _UPDATE_TYPES))
        log.info(BOT_READY_EVENT, mode="webhook" if webhook is not None else "polling")
        if webhook is not None:
            await stop.wait()
        else:
            await poll_until(stop, bot, dispatcher, _UPDATE_TYPES)
        registration.cancel()
        log.info("stopping: jobs in flight are finished, other replicas do the rest")


def create_dispatcher(dependencies: BotDependencies, wait_estimator: WaitEstimator, job_id_key: bytes) -> Dispatcher:
    """Return the dispatcher with all handlers and the services that they use."""
    consent = ConsentService(dependencies.users, dependencies.overrides)
    submissions = SubmissionService(
        ledger=dependencies.ledger,
        store=dependencies.store,
        users=dependencies.users,
        admission=dependencies.admission,
        consent=consent,
        wait_estimator=wait_estimator,
        overrides=dependencies.overrides,
        key=job_id_key,
    )
    # aiogram passes these to the handlers' parameters of the same name.
    dispatcher = Dispatcher(
        submissions=submissions,
        consent=consent,
        privacy=PrivacyService(dependencies.ledger, dependencies.store, dependencies.users),
        users=dependencies.users,
        statistics=dependencies.statistics,
        wait_estimator=wait_estimator,
        overrides=dependencies.overrides,
    )
    dispatcher.update.outer_middleware(retry_until_stored)
    dispatcher.include_routers(*create_routers())
    return dispatcher
