"""Every call of Telegram is counted, with its outcome: against the simulator, which refuses and fails on request."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from io import BytesIO

import pytest
from aiogram import Bot
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import ClientDecodeError, TelegramConflictError, TelegramNotFound, TelegramUnauthorizedError
from aiogram.methods import GetMe, GetUpdates
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.metrics import METRICS, CallKind, CallOutcome
from bot.telegram.api_calls import outcome_of
from bot.telegram.session import CachingSession
from bot.telegram.updates import GetRawUpdates
from simulator.client.client import SimulatorClient, User
from simulator.server import start_server
from simulator.state.state import SimulatorState
from tests.simulator.harness import render_image

TOKEN = f"123456789:{'A-b_' * 9}"


def count_calls(act: Callable[[Bot, SimulatorClient, User], Awaitable[None]]) -> dict[tuple[str, str], float]:
    """What `act` adds to the counts of calls, by kind and outcome."""

    async def run() -> dict[tuple[str, str], float]:
        state = SimulatorState()
        state.rate_limits_enabled = False
        runner, address = await start_server(state, "127.0.0.1", 0)
        try:
            async with (
                SimulatorClient(address) as simulator,
                Bot(TOKEN, session=CachingSession(api=TelegramAPIServer.from_base(address))) as bot,
            ):
                await bot.get_me()
                user = await simulator.create_user("Anna", "en")
                await user.send_text("/start")
                before = counts()
                await act(bot, simulator, user)
                return {labels: count - before[labels] for labels, count in counts().items() if count > before[labels]}
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def counts() -> dict[tuple[str, str], float]:
    (metric,) = METRICS.telegram_calls.collect()
    return {
        (sample.labels["kind"], sample.labels["outcome"]): sample.value
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("429", CallOutcome.TOO_FAST),
        ("500", CallOutcome.UNCERTAIN),
        ("403", CallOutcome.UNWANTED),
        ("cut_before", CallOutcome.UNCERTAIN),
    ],
)
def test_calls_of_all_methods_are_counted_by_outcome(fault: str, outcome: CallOutcome) -> None:
    async def act(bot: Bot, simulator: SimulatorClient, user: User) -> None:
        await bot.send_message(user.id, "an answer")
        await simulator.set_faults(1.0, kinds=[fault], methods=["sendMessage", "sendChatAction", "getUpdates"])
        for call in (
            bot.send_message(user.id, "another"),
            bot.send_chat_action(user.id, "typing"),
            bot(GetRawUpdates(timeout=0)),
        ):
            with contextlib.suppress(Exception):
                await call

    assert count_calls(act) == {
        (CallKind.METHOD, CallOutcome.OK): 1,
        (CallKind.METHOD, outcome): 2,
        (CallKind.POLL, outcome): 1,
    }


def test_a_call_that_takes_too_long_is_counted_but_the_end_of_polling_is_not() -> None:
    async def act(bot: Bot, simulator: SimulatorClient, user: User) -> None:
        await bot(GetRawUpdates(offset=-1, timeout=0))
        await simulator.set_faults(1.0, kinds=["hang"], methods=["sendMessage"])
        for call in (bot.send_message(user.id, "late"), bot(GetRawUpdates(offset=1000, timeout=20))):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await call
        await simulator.clear_faults()

    assert count_calls(act) == {
        (CallKind.METHOD, CallOutcome.UNCERTAIN): 1,
        (CallKind.POLL, CallOutcome.OK): 1,
    }


def test_reply_that_is_not_utf_8_is_an_error_that_polling_survives() -> None:
    async def serve_page(_: web.Request) -> web.Response:
        return web.Response(status=502, body="Passerelle erron\xe9e".encode("latin-1"), content_type="text/html")

    async def run() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", serve_page)
        server = TestServer(app)
        await server.start_server()
        api = TelegramAPIServer.from_base(str(server.make_url("")).rstrip("/"))
        try:
            async with Bot(TOKEN, session=CachingSession(api=api)) as bot:
                with pytest.raises(ClientDecodeError):
                    await bot.get_me()
        finally:
            await server.close()

    asyncio.run(run())


def test_downloads_are_counted() -> None:
    async def act(bot: Bot, _simulator: SimulatorClient, user: User) -> None:
        await user.send_photo(render_image(64, 48))
        *_, update = await bot(GetRawUpdates(timeout=0))
        file = await bot.get_file(update["message"]["photo"][-1]["file_id"])
        assert file.file_path is not None
        await bot.download_file(file.file_path, destination=BytesIO())
        with contextlib.suppress(Exception):
            await bot.download_file("no/such/file", destination=BytesIO())

    assert count_calls(act) == {
        (CallKind.POLL, CallOutcome.OK): 1,
        (CallKind.METHOD, CallOutcome.OK): 1,
        (CallKind.DOWNLOAD, CallOutcome.OK): 1,
        (CallKind.DOWNLOAD, CallOutcome.UNCERTAIN): 1,
    }


def test_a_second_bot_and_a_wrong_token_have_outcomes_of_their_own() -> None:
    assert outcome_of(TelegramConflictError(GetUpdates(), "terminated by other getUpdates")) is CallOutcome.CONFLICT
    assert outcome_of(TelegramUnauthorizedError(GetMe(), "Unauthorized")) is CallOutcome.UNAUTHORIZED
    assert outcome_of(TelegramNotFound(GetMe(), "Not Found")) is CallOutcome.UNAUTHORIZED
