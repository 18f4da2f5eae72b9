"""A whole bot in the test's own process: the simulator, a real Valkey, all handlers and all background tasks.

No worker runs. A test decides jobs by calls to the ledger.
"""

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

from aiogram import Bot
from aiogram.client.telegram import TelegramAPIServer
from pydantic import SecretStr

from bot.app import create_dispatcher, create_intake, create_services
from bot.background.runner import BackgroundTasks
from bot.dependencies import BotDependencies
from bot.storage import redis_keys
from bot.telegram.flood_gate import FloodGate
from bot.telegram.long_polling import poll
from bot.telegram.session import CachingSession
from shared.config.settings import Settings
from shared.contract.decision import Refusal, RefusalReason
from shared.contract.names import Queue
from shared.ledger import transitions
from shared.ledger.records import JobView
from shared.service.client import ServiceClient
from simulator.client.client import Message, SimulatorClient, User
from simulator.server import start_server
from simulator.state.state import SimulatorState
from tests.bot.presentation.test_rendering import VERDICT
from tests.simulator.harness import render_image

TOKEN = f"123456789:{'A-b_' * 9}"
KEY = b"key of the test"
UPDATE_TYPES = ("message", "edited_message", "callback_query", "my_chat_member")

#: Tests wait for events at most so long. Seconds.
TIMEOUT_S = 60.0

IMAGE = render_image(64, 48)


class LiveBot:
    """The bot, and what a test needs to act as its users, its workers and its operator."""

    def __init__(self, redis_url: str, *, limits: bool = False, **settings: Any) -> None:
        unlimited = {} if limits else {"telegram_chat_per_s": 1000.0, "telegram_per_s": 1000.0}
        self._limits = limits
        self._settings = Settings(
            redis_url=SecretStr(redis_url), bot_token=SecretStr(TOKEN), **{**unlimited, **settings}
        )
        self.state = SimulatorState()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start everything."""
        stack = self._stack
        self.state.rate_limits_enabled = self._limits
        runner, self.address = await start_server(self.state, "127.0.0.1", 0)
        stack.push_async_callback(runner.cleanup)
        self.simulator = await stack.enter_async_context(SimulatorClient(self.address))
        self.bot = Bot(TOKEN, session=CachingSession(api=TelegramAPIServer.from_base(self.address)))
        stack.push_async_callback(self.bot.session.close)
        self.dependencies = BotDependencies(self._settings)
        stack.push_async_callback(self.dependencies.close)
        self.services = create_services(self.dependencies, KEY)
        client_stop = threading.Event()
        client = ServiceClient(self._settings, role="bot", stop=client_stop)
        await asyncio.to_thread(client.__enter__)
        stack.push_async_callback(asyncio.to_thread, client.__exit__, None, None, None)
        stack.callback(client_stop.set)
        self.tasks = BackgroundTasks(self.bot, self.dependencies, client, self.services.background, self._settings)
        self.tasks.start()
        stack.push_async_callback(self.tasks.stop)
        gate = FloodGate()
        dispatcher = create_dispatcher(self.dependencies, self.services, gate, KEY)
        await self.bot.get_me()
        polling = asyncio.create_task(poll(self.bot, dispatcher, create_intake(gate, self.services), UPDATE_TYPES))

        async def stop_polling() -> None:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)

        stack.push_async_callback(stop_polling)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything."""
        await self._stack.aclose()

    @property
    def redis(self) -> Any:
        """The client of the ledger's Redis."""
        return self.dependencies.client

    async def create_user(self, *, consent: bool = True, language: str = "en", first_name: str = "Anna") -> User:
        """A new user who has started the bot, and has given consent unless told otherwise."""
        user = await self.simulator.create_user(first_name, language)
        greeting = await wait_for(user, await user.send_text("/start"))
        if consent:
            await user.press_button(greeting["message_id"], "consent")
            await wait_for(user, greeting["message_id"])
        return user

    async def get_jobs(self, user: User) -> dict[str, JobView]:
        """The user's jobs in the ledger."""
        ids = await self.dependencies.users.get_job_ids(user.id)
        jobs = await self.dependencies.ledger.run(transitions.get_jobs(ids)) if ids else []
        return {id_: job for id_, job in zip(ids, jobs, strict=True) if job is not None}

    async def decide_all(self, count: int = 0, *, verdict: bool = False) -> int:
        """Decide all jobs that are ready, as a worker would. Waits until there are `count`; returns how many."""
        await until(lambda: self.count_ready(count))
        ids = [id_.decode() for id_ in await self.redis.zrange(f"melanoma:ready:{Queue.INTERACTIVE}", 0, -1)]
        await self.decide(ids, verdict=verdict)
        return len(ids)

    async def decide(self, ids: Sequence[str], *, verdict: bool = False) -> None:
        """Decide jobs, as a worker would."""
        decision = VERDICT if verdict else Refusal(reason=RefusalReason.NOT_A_LESION)
        await self.dependencies.ledger.run(transitions.decide([(id_, decision) for id_ in ids]))

    async def count_ready(self, count: int) -> bool:
        """Whether at least `count` jobs are ready."""
        return int(await self.redis.zcard(f"melanoma:ready:{Queue.INTERACTIVE}")) >= count

    async def list_keys_naming(self, user: User) -> list[str]:
        """Keys whose name or value contains the user's id, but for the rate limiter's, which last seconds."""
        # Group ids and times contain the same digits.
        number = re.compile(rf"(?<![\d-]){user.id}(?!\d)")
        found = []
        async for key in self.redis.scan_iter("*"):
            if key.decode().startswith(redis_keys.RATE_LIMIT_PREFIX):
                continue
            if number.search(key.decode()) or number.search(repr(await read_value(self.redis, key))):
                found.append(key.decode())
        return sorted(found)


async def read_value(client: Any, key: bytes) -> object:
    """The whole value of a key of any type."""
    kind = (await client.type(key)).decode()
    if kind == "hash":
        return await client.hgetall(key)
    if kind == "set":
        return await client.smembers(key)
    if kind == "zset":
        return await client.zrange(key, 0, -1)
    if kind == "list":
        return await client.lrange(key, 0, -1)
    return await client.get(key) if kind == "string" else None


def run_live_bot(redis_url: str, scenario: Callable[[LiveBot], Awaitable[None]], **options: Any) -> None:
    """Run a scenario with a bot of its own."""

    async def run() -> None:
        async with LiveBot(redis_url, **options) as live, asyncio.timeout(240):
            await scenario(live)

    asyncio.run(run())


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(TIMEOUT_S):
        while not await condition():
            await asyncio.sleep(0.02)


async def wait_for(user: User, after: int, text: str = "") -> Message:
    """The bot's first message after the message `after` that contains `text`."""

    def matches(message: Message) -> bool:
        return int(message["message_id"]) > after and text in text_of(message)

    return await user.wait_for_message(matches, TIMEOUT_S)


async def wait_for_reply(user: User, message_id: int, text: str = "", *, chat: int | None = None) -> Message:
    """The bot's first reply to a message that contains `text`."""

    def matches(message: Message) -> bool:
        return message.get("reply_to_message", {}).get("message_id") == message_id and text in text_of(message)

    return await user.wait_for_message(matches, TIMEOUT_S, chat=chat)


async def bot_texts(user: User, chat: int | None = None) -> list[str]:
    """Texts of all messages of the bot in a chat."""
    return [text_of(message) for message in await user.get_messages(chat) if message["from"]["is_bot"]]


def text_of(message: Message) -> str:
    return str(message.get("text") or message.get("caption") or "")


def count_containing(texts: Sequence[str], part: str) -> int:
    """How many of `texts` contain `part`."""
    return sum(part in text for text in texts)
