"""A stage for one test: the stand-in, one bot on it, and people."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import TelegramAPIError
from PIL import Image

from simulator.client.client import SimulatorClient, User

_NUMBERS = itertools.count(1000)


class SimulatorTestbed:
    """The stand-in at `address` and a new bot."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.token = f"{next(_NUMBERS)}:{'A-b_' * 9}"
        self.bot: Bot
        self.sim: SimulatorClient

    def run(self, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a story with `bot` and `sim` open, without limits and faults at first."""
        # In a thread of its own: while a browser is open, Playwright has an event loop in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(self._run(story))).result()

    async def _run(self, story: Callable[[], Awaitable[None]]) -> None:
        async with self.open_bot(self.token) as self.bot, SimulatorClient(self.address) as self.sim:
            await self.sim.set_rate_limits(enabled=False)
            await self.sim.clear_faults()
            await self.bot.get_me()
            await asyncio.wait_for(story(), 30)

    @contextlib.asynccontextmanager
    async def open_bot(self, token: str) -> AsyncIterator[Bot]:
        """A bot with that token."""
        session = AiohttpSession(api=TelegramAPIServer.from_base(self.address))
        async with Bot(token, session=session, default=DefaultBotProperties(parse_mode=ParseMode.HTML)) as bot:
            yield bot

    async def call_only(self) -> None:
        """A story in which the bot only calls, so that people find it."""

    async def create_anna(self) -> User:
        """Someone who has written to the bot."""
        person = await self.sim.create_user("Anna", "en", username="anna", last_name="B", bot=self.bot.id)
        await person.send_text("/start")
        return person


async def expect_error(call: Awaitable[object], code: int, words: str) -> TelegramAPIError:
    """The error by which Telegram refuses a call; `words` are in its description."""
    with pytest.raises(TelegramAPIError) as caught:
        await call
    assert words in caught.value.message
    codes = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict"}
    names = codes | {429: "RetryAfter", 413: "EntityTooLarge", 500: "ServerError"}
    assert names[code] in type(caught.value).__name__
    return caught.value


def render_image(width: int = 640, height: int = 480, colour: str = "teal", kind: str = "JPEG") -> bytes:
    """A picture's bytes."""
    into = BytesIO()
    Image.new("RGB", (width, height), colour).save(into, kind)
    return into.getvalue()
