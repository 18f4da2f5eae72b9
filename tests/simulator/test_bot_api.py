"""The Bot API of the simulator, called in this process by a bot that uses aiogram."""

import asyncio
from collections.abc import Awaitable, Callable
from io import BytesIO

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    ReplyParameters,
)
from aiohttp import web
from PIL import Image

from simulator.client.client import SimulatorClient, SimulatorError, User
from simulator.server import start_server
from simulator.state.state import SimulatorState

TOKEN = "1234:" + "a" * 35

Scenario = Callable[[Bot, SimulatorClient, User], Awaitable[None]]


def run_scenario(scenario: Scenario, *, limits: bool = False) -> None:
    async def run() -> None:
        state = SimulatorState()
        state.rate_limits_enabled = limits
        runner, address = await start_server(state, "127.0.0.1", 0)
        bot = bot_at(address)
        try:
            async with SimulatorClient(address) as simulator:
                await bot.get_me()
                await scenario(bot, simulator, await simulator.create_user("Anna", "en"))
        finally:
            await bot.session.close()
            for account in state.bots.values():
                if account.webhook is not None:
                    await account.webhook.stop()
            await runner.cleanup()

    asyncio.run(run())


def bot_at(address: str, token: str = TOKEN) -> Bot:
    return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(address)))


def image(width: int = 640, height: int = 480) -> bytes:
    buffer = BytesIO()
    Image.effect_noise((width, height), 40).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def test_photo_has_telegrams_sizes_and_can_be_downloaded() -> None:
    async def scenario(bot: Bot, _: SimulatorClient, user: User) -> None:
        await user.send_photo(image(2000, 1500), caption="my mole")
        (update,) = await bot.get_updates(timeout=5)
        assert update.message is not None
        assert update.message.photo is not None
        assert [max(size.width, size.height) for size in update.message.photo] == [90, 320, 800, 1280]
        fetched = BytesIO()
        await bot.download(update.message.photo[-1], destination=fetched)
        with Image.open(fetched) as opened:
            assert opened.size == (1280, 960)

    run_scenario(scenario)


def test_updates_stay_until_a_later_offset_is_polled() -> None:
    async def scenario(bot: Bot, _: SimulatorClient, user: User) -> None:
        for word in ("one", "two"):
            await user.send_text(word)
        first = await bot.get_updates()
        assert [update.update_id for update in await bot.get_updates()] == [update.update_id for update in first]
        (second,) = await bot.get_updates(offset=first[0].update_id + 1)
        assert second.message is not None
        assert second.message.text == "two"

    run_scenario(scenario)


def test_second_poll_conflicts_with_the_first() -> None:
    async def scenario(bot: Bot, _: SimulatorClient, user: User) -> None:
        waiting = asyncio.create_task(bot.get_updates(timeout=10))
        await asyncio.sleep(0.2)
        second = asyncio.create_task(bot.get_updates(timeout=2))
        with pytest.raises(TelegramConflictError, match="other getUpdates"):
            await waiting
        await second
        await bot.set_webhook("http://127.0.0.1:1/")
        with pytest.raises(TelegramConflictError, match="webhook is active"):
            await bot.get_updates()

    run_scenario(scenario)


def test_invalid_calls_are_refused_with_telegrams_descriptions() -> None:
    async def scenario(bot: Bot, _: SimulatorClient, user: User) -> None:
        to = user.id
        await user.send_text("hello")
        await bot.send_message(to, "<b>" + "x" * 4096 + "</b>", parse_mode="HTML")
        refused: dict[str, Callable[[], Awaitable[object]]] = {
            "message is too long": lambda: bot.send_message(to, "x" * 4097),
            "text is empty": lambda: bot.send_message(to, " "),
            "Unsupported start tag": lambda: bot.send_message(to, "<div>x</div>", parse_mode="HTML"),
            "find end tag": lambda: bot.send_message(to, "<b>x", parse_mode="HTML"),
            "chat not found": lambda: bot.send_message(5, "x"),
            "caption is too long": lambda: bot.send_photo(to, file(image()), caption="x" * 1025),
            "PHOTO_INVALID_DIMENSIONS": lambda: bot.send_photo(to, file(image(2100, 100))),
            "IMAGE_PROCESS_FAILED": lambda: bot.send_photo(to, file(b"no picture")),
            "BUTTON_DATA_INVALID": lambda: bot.send_message(to, "x", reply_markup=button("x" * 65)),
            "replied not found": lambda: bot.send_message(to, "x", reply_parameters=ReplyParameters(message_id=999)),
            "edit not found": lambda: bot.edit_message_text("x", chat_id=to, message_id=999),
            "query is too old": lambda: bot.answer_callback_query("never"),
            "wrong file_id": lambda: bot.get_file("never"),
        }
        for description, call in refused.items():
            with pytest.raises(TelegramBadRequest, match=description):
                await call()

    run_scenario(scenario)


def file(data: bytes) -> BufferedInputFile:
    return BufferedInputFile(data, "picture.jpg")


def button(data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Press", callback_data=data)]])


def test_text_message_can_be_edited_into_a_photo_once() -> None:
    async def scenario(bot: Bot, _: SimulatorClient, user: User) -> None:
        await user.send_text("hello")
        sent = await bot.send_message(user.id, "wait")
        data = image()
        media = InputMediaPhoto(media=file(data), caption="<i>done</i>", parse_mode="HTML")
        await bot.edit_message_media(media, chat_id=user.id, message_id=sent.message_id)
        message = (await user.get_messages())[-1]
        assert message["caption"] == "done"
        assert message["caption_entities"] == [{"type": "italic", "offset": 0, "length": 4}]
        assert "text" not in message
        assert len(await user.download(message["photo"][-1]["file_id"])) > 1000
        with pytest.raises(TelegramBadRequest, match="message is not modified"):
            await bot.edit_message_media(media, chat_id=user.id, message_id=sent.message_id)

    run_scenario(scenario)


def test_button_press_reaches_the_bot_and_its_answer_the_user() -> None:
    async def scenario(bot: Bot, _: SimulatorClient, user: User) -> None:
        await user.send_text("hello")
        sent = await bot.send_message(user.id, "choose", reply_markup=button("yes:1"))
        await user.press_button(sent.message_id, "Press")
        update = (await bot.get_updates(timeout=5))[-1]
        assert update.callback_query is not None
        assert update.callback_query.data == "yes:1"
        await bot.answer_callback_query(update.callback_query.id, text="seen")
        assert await user.get_toasts() == ["seen"]
        with pytest.raises(SimulatorError, match="no button"):
            await user.press_button(sent.message_id, "Other")

    run_scenario(scenario)


def test_bot_cannot_write_to_a_user_who_blocked_it() -> None:
    async def scenario(bot: Bot, _: SimulatorClient, user: User) -> None:
        await user.send_text("hello")
        await user.block()
        with pytest.raises(TelegramForbiddenError):
            await bot.send_message(user.id, "x")
        updates = await bot.get_updates()
        assert updates[-1].my_chat_member is not None
        assert updates[-1].my_chat_member.new_chat_member.status == "kicked"

    run_scenario(scenario)


def test_messages_are_rate_limited() -> None:
    async def scenario(bot: Bot, simulator: SimulatorClient, user: User) -> None:
        await user.send_text("hello")
        for number in range(3):
            await bot.send_message(user.id, str(number))
        with pytest.raises(TelegramRetryAfter) as refused:
            await bot.send_message(user.id, "one too many")
        assert refused.value.retry_after == 1
        others = [await simulator.create_user() for _ in range(40)]
        for other in others:
            await other.send_text("hello")
        results = await asyncio.gather(*(bot.send_message(other.id, "x") for other in others), return_exceptions=True)
        assert sum(isinstance(result, TelegramRetryAfter) for result in results) >= 40 - 30

    run_scenario(scenario, limits=True)


@pytest.mark.parametrize(
    ("kind", "error", "arrives"),
    [
        ("429", TelegramRetryAfter, False),
        ("500", TelegramServerError, False),
        ("403", TelegramForbiddenError, False),
        ("cut_before", TelegramNetworkError, False),
        ("cut_after", TelegramNetworkError, True),
    ],
)
def test_injected_fault_has_the_effect_of_its_kind(kind: str, error: type[Exception], arrives: bool) -> None:
    async def scenario(bot: Bot, simulator: SimulatorClient, user: User) -> None:
        await user.send_text("hello")
        await simulator.set_faults(1.0, kinds=[kind], methods=["sendMessage"])
        with pytest.raises(error):
            await bot.send_message(user.id, "x")
        await simulator.set_faults(0)
        assert ("x" in [message.get("text") for message in await user.get_messages()]) == arrives
        last = (await simulator.get_calls())[-1]
        assert (last["method"], last["fault"], last["took_effect"], last["ok"]) == ("sendMessage", kind, arrives, False)

    run_scenario(scenario)


def test_webhook_gets_an_update_until_it_accepts_it() -> None:
    seen: list[tuple[str, str]] = []

    async def accept(request: web.Request) -> web.Response:
        seen.append((request.headers["X-Telegram-Bot-Api-Secret-Token"], (await request.json())["message"]["text"]))
        return web.Response(status=500 if len(seen) == 1 else 200)

    async def scenario(bot: Bot, _: SimulatorClient, user: User) -> None:
        app = web.Application()
        app.add_routes([web.post("/hook", accept)])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await bot.set_webhook(f"http://127.0.0.1:{runner.addresses[0][1]}/hook", secret_token="secret")
        await user.send_text("one")
        await user.send_text("two")
        async with asyncio.timeout(10):
            while len(seen) < 3:
                await asyncio.sleep(0.05)
        # The second update waits until the first of its chat is accepted.
        assert seen == [("secret", "one"), ("secret", "one"), ("secret", "two")]
        await bot.delete_webhook()
        await runner.cleanup()

    run_scenario(scenario)


def test_malformed_token_is_unauthorized() -> None:
    async def scenario(bot: Bot, simulator: SimulatorClient, _: User) -> None:
        api = bot.session.api.base.split("/bot")[0]
        other_bot = bot_at(api, token="12:short")
        with pytest.raises(TelegramUnauthorizedError):
            await other_bot.get_me()
        await other_bot.session.close()

    run_scenario(scenario)


def test_simulator_that_stops_ends_a_poll_as_its_timeout_does() -> None:
    async def run() -> None:
        state = SimulatorState()
        runner, address = await start_server(state, "127.0.0.1", 0)
        bot = bot_at(address)
        await bot.get_me()
        poll = asyncio.create_task(bot.get_updates(timeout=50))
        async with asyncio.timeout(10):
            while not any(account.updates._poller for account in state.bots.values()):
                await asyncio.sleep(0.01)
        await runner.cleanup()
        assert await poll == []
        await bot.session.close()

    asyncio.run(run())
