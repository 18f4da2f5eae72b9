"""A testbed for one test: the simulator, a bot and users."""

import asyncio
import contextlib
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
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

_ROOT = Path(__file__).parents[2]
_NUMBERS = itertools.count(1000)


@contextlib.contextmanager
def running_simulator(port: int = 0) -> Iterator[str]:
    """A simulator that runs as its command does; gives its address."""
    command = [sys.executable, "-W", "error", "-m", "simulator", "--port", str(port)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("chat page: http://127.0.0.1:"), line
        yield line.removeprefix("chat page: ").strip().rstrip("/")
        process.terminate()
        assert process.wait(10) == 0


class SimulatorTestbed:
    """The simulator at `address` and a new bot."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.token = f"{next(_NUMBERS)}:{'A-b_' * 9}"
        self.bot: Bot
        self.sim: SimulatorClient

    def run(self, scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a scenario with `bot` and `sim` open; rate limits and faults are off at first."""
        # In another thread, since Playwright runs an event loop in this one while a browser is open.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(self._run(scenario))).result()

    async def _run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        async with self.open_bot(self.token) as self.bot, SimulatorClient(self.address) as self.sim:
            await self.sim.set_rate_limits(enabled=False)
            await self.sim.clear_faults()
            await self.bot.get_me()
            await asyncio.wait_for(scenario(), 30)

    @contextlib.asynccontextmanager
    async def open_bot(self, token: str) -> AsyncIterator[Bot]:
        """A bot with this token."""
        session = AiohttpSession(api=TelegramAPIServer.from_base(self.address))
        async with Bot(token, session=session, default=DefaultBotProperties(parse_mode=ParseMode.HTML)) as bot:
            yield bot

    async def only_get_me(self) -> None:
        """A scenario in which the bot only calls `getMe`, so that new users talk to it."""

    async def create_anna(self) -> User:
        """A user who has written to the bot."""
        user = await self.sim.create_user("Anna", "en", username="anna", last_name="B", bot=self.bot.id)
        await user.send_text("/start")
        return user


async def expect_error(call: Awaitable[object], code: int, text: str) -> TelegramAPIError:
    """Check that Telegram refuses a call with `code` and a description that contains `text`; returns the error."""
    with pytest.raises(TelegramAPIError) as caught:
        await call
    assert text in caught.value.message
    codes = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict"}
    names = codes | {429: "RetryAfter", 413: "EntityTooLarge", 500: "ServerError"}
    assert names[code] in type(caught.value).__name__
    return caught.value


def render_image(width: int = 640, height: int = 480, colour: str = "teal", kind: str = "JPEG") -> bytes:
    """An encoded image of one colour."""
    buffer = BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, kind)
    return buffer.getvalue()
