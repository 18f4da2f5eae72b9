"""Wires the bot: the source of updates, the handlers, the background tasks and the HTTP server."""

import asyncio
import contextlib
import gc
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import structlog
from aiogram import Bot, Dispatcher
from aiogram.client.telegram import TelegramAPIServer

from bot.background.bot_profile import register_bot
from bot.background.runner import BackgroundServices, BackgroundTasks
from bot.dependencies import BotDependencies
from bot.handlers import create_routers
from bot.middlewares.handler_retry import retry_until_stored
from bot.middlewares.request_allowance import RequestAllowance
from bot.services.consent import ConsentService
from bot.services.messenger import Messenger
from bot.services.notices import NoticeComposer
from bot.services.photo_overflow import PhotoOverflow
from bot.services.privacy import PrivacyService
from bot.services.status_removal import StatusRemoval
from bot.services.submissions import SubmissionService
from bot.services.wait_estimate import WaitEstimator
from bot.telegram.bot_token import derive_secret, read_bot_token
from bot.telegram.flood_gate import FloodGate
from bot.telegram.health import create_health_app, serve_http
from bot.telegram.long_polling import Intake, poll
from bot.telegram.session import CachingSession
from bot.telegram.webhook import Webhook, add_webhook, read_webhook
from shared.config.settings import Settings
from shared.contract.names import BOT_READY_EVENT, BOT_ROLE
from shared.redis_client.retry import ShutdownRequested
from shared.service.client import ServiceClient

log = structlog.get_logger(__name__)

_UPDATE_TYPES: Final = ("message", "edited_message", "callback_query", "my_chat_member")

#: Time for which a stopping bot waits for Redis, to release its lease. Seconds.
_RELEASE_TIMEOUT_S: Final = 2.0


async def run_bot(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop` is set. Raises `SettingsError`, `RedisAccessDenied`, `TelegramUnauthorizedError`."""
    token = read_bot_token(settings)
    webhook = read_webhook(settings, token)
    server = TelegramAPIServer.from_base(settings.telegram_api_url)
    bot = Bot(token, session=CachingSession(api=server))
    dependencies = BotDependencies(settings)
    client_stop = threading.Event()
    client = ServiceClient(settings, role=BOT_ROLE, stop=client_stop)
    key = bytes.fromhex(derive_secret(token, "job ids"))
    services = create_services(dependencies, key)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bot.session.close)
        stack.push_async_callback(dependencies.close)
        if not await _start_client(client, client_stop, stop):
            return
        stack.push_async_callback(asyncio.to_thread, client.__exit__, None, None, None)
        stack.callback(client_stop.set)
        await dependencies.bot_lease.acquire(bot.id)
        stack.push_async_callback(_release_lease, dependencies)
        tasks = BackgroundTasks(bot, dependencies, client, services.background, settings)
        tasks.start()
        stack.push_async_callback(tasks.stop)
        gate = FloodGate()
        dispatcher = create_dispatcher(dependencies, services, gate, key)
        app = create_health_app(tasks.is_making_progress)
        if webhook is not None:
            add_webhook(app, bot, dispatcher, webhook.secret)
        if settings.bot_port:
            await stack.enter_async_context(serve_http(app, settings.bot_host, settings.bot_port))
        # The objects of the libraries live as long as the process. Each full collection would look at all of them: that
        # took seven per cent of the bot's CPU time.
        gc.collect()
        gc.freeze()
        await _take_updates(bot, dispatcher, create_intake(gate, services), webhook, stop)
        log.info("stopping: jobs in flight are finished, other replicas do the rest")


async def _release_lease(dependencies: BotDependencies) -> None:
    # While Redis is unavailable, the lease is left to expire.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_RELEASE_TIMEOUT_S):
            await dependencies.bot_lease.release()


async def _start_client(client: ServiceClient, client_stop: threading.Event, stop: asyncio.Event) -> bool:
    """Wait until Redis is available. Returns False if `stop` was set before."""
    starting = asyncio.create_task(asyncio.to_thread(client.__enter__))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not starting.done():
        client_stop.set()
    try:
        await starting
    except ShutdownRequested:
        return False
    return True


async def _take_updates(
    bot: Bot, dispatcher: Dispatcher, intake: Intake, webhook: Webhook | None, stop: asyncio.Event
) -> None:
    """Take updates until `stop` is set, or until registering the bot or polling fails for good."""

    def log_ready() -> None:
        log.info(BOT_READY_EVENT, mode="webhook" if webhook is not None else "polling")

    tasks = [
        asyncio.create_task(stop.wait()),
        asyncio.create_task(register_bot(bot, webhook, _UPDATE_TYPES, log_ready)),
    ]
    registration = tasks[1]
    if webhook is None:
        tasks.append(asyncio.create_task(poll(bot, dispatcher, intake, _UPDATE_TYPES)))
    try:
        while not stop.is_set():
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                await task
            tasks = [task for task in tasks if task is not registration or not registration.done()]
    finally:
        # An update whose handler is cancelled here was not confirmed: Telegram sends it again.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class BotServices:
    """The use cases of the handlers, and what the background tasks use."""

    background: BackgroundServices
    consent: ConsentService
    messenger: Messenger
    overflow: PhotoOverflow
    submissions: SubmissionService
    privacy: PrivacyService


def create_services(dependencies: BotDependencies, key: bytes) -> BotServices:
    """Return the services on these dependencies. `key` is the secret of ids and of the hashes of users."""
    consent = ConsentService(dependencies.users, dependencies.overrides)
    wait_estimator = WaitEstimator(dependencies.ledger)
    messenger = Messenger(dependencies.ledger, dependencies.message_lines, key)
    status_removal = StatusRemoval(dependencies.ledger, dependencies.status_messages, messenger)
    overflow = PhotoOverflow(dependencies.admission, messenger)
    submissions = SubmissionService(
        ledger=dependencies.ledger,
        store=dependencies.store,
        users=dependencies.users,
        admission=dependencies.admission,
        messenger=messenger,
        status_removal=status_removal,
        overflow=overflow,
        wait_estimator=wait_estimator,
        overrides=dependencies.overrides,
        key=key,
    )
    return BotServices(
        background=BackgroundServices(
            wait_estimator,
            NoticeComposer(dependencies.unanswered, consent, wait_estimator, dependencies.overrides),
            status_removal,
        ),
        consent=consent,
        messenger=messenger,
        overflow=overflow,
        submissions=submissions,
        privacy=PrivacyService(dependencies.ledger, dependencies.store, dependencies.users, messenger, status_removal),
    )


def create_intake(gate: FloodGate, services: BotServices) -> Intake:
    """Return the function that takes what users send beyond their allowances out of the updates that were fetched."""

    async def take_overflow(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return await services.overflow.take([content for content in contents if not gate.drops(content)])

    return take_overflow


def create_dispatcher(dependencies: BotDependencies, services: BotServices, gate: FloodGate, key: bytes) -> Dispatcher:
    """Return the dispatcher with all handlers and the services that they use."""
    # aiogram passes these to the handlers' parameters of the same name.
    dispatcher = Dispatcher(
        submissions=services.submissions,
        messenger=services.messenger,
        consent=services.consent,
        privacy=services.privacy,
        users=dependencies.users,
        statistics=dependencies.statistics,
        sent_images=dependencies.sent_images,
        wait_estimator=services.background.wait_estimator,
        overrides=dependencies.overrides,
    )
    dispatcher.update.outer_middleware(retry_until_stored)
    allowance = RequestAllowance(dependencies.admission, dependencies.users, services.messenger, gate, key)
    for router in create_routers():
        router.message.middleware(allowance)
        router.callback_query.middleware(allowance)
        dispatcher.include_router(router)
    return dispatcher
