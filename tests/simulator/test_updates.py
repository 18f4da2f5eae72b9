"""How updates reach a bot: by one long poll, or to one webhook, until they are taken."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.simulator.harness import SimulatorTestbed, expect_error, render_image


class Listener:
    """A bot's end of a webhook, which takes updates while it is `willing`."""

    def __init__(self) -> None:
        self.willing = True
        self.delay_s = 0.0
        self.url = ""
        self.got: list[tuple[float, str | None, dict[str, Any]]] = []
        self.at_once = self.most_at_once = 0

    async def take(self, request: web.Request) -> web.Response:
        """One delivery."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
        self.got.append((time.monotonic(), secret, await request.json()))
        await asyncio.sleep(self.delay_s)
        self.at_once -= 1
        return web.Response(status=200 if self.willing else 500)

    def texts(self) -> list[str]:
        """Texts in the order of arrival."""
        return [update["message"]["text"] for _, _, update in self.got]


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """A listener on localhost."""
    listener, app = Listener(), web.Application()
    app.router.add_post("/hook", listener.take)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield listener
    finally:
        await runner.cleanup()


async def eventually(listener: Listener, count: int) -> None:
    """Wait until that many updates arrived."""
    async with asyncio.timeout(15):
        while len(listener.got) < count:
            await asyncio.sleep(0.01)


def test_an_update_stays_until_a_later_one_is_asked_for(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        anna = await stand.create_anna()
        await anna.send_text("two")
        first, second = await stand.bot.get_updates()
        assert [one.update_id for one in await stand.bot.get_updates()] == [first.update_id, second.update_id]
        assert [one.update_id for one in await stand.bot.get_updates(offset=second.update_id)] == [second.update_id]
        assert await stand.bot.get_updates(offset=second.update_id + 1) == []
        # Once more, although the bot has confirmed it.
        await stand.sim.redeliver_update(first.update_id, bot=stand.bot.id)
        (again,) = await stand.bot.get_updates(offset=second.update_id + 1)
        assert again == first

    stand.run(story)


def test_kinds_that_were_not_asked_for_do_not_come(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        await stand.bot.get_updates(allowed_updates=["callback_query"])
        anna = await stand.create_anna()
        sent = await stand.bot.send_message(anna.id, "x", reply_markup=_button())
        await anna.press_button(sent.message_id, "go")
        (update,) = await stand.bot.get_updates(timeout=5)
        assert update.callback_query is not None

    stand.run(story)


def test_of_two_pollers_the_older_is_ended(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        older = asyncio.create_task(stand.bot.get_updates(timeout=20))
        await asyncio.sleep(0.2)
        newer = asyncio.create_task(stand.bot.get_updates(timeout=20))
        await expect_error(older, 409, "terminated by other getUpdates request; make sure that only one bot instance")
        await stand.create_anna()
        assert len(await newer) == 1

    stand.run(story)


def test_a_webhook_gets_updates_with_its_secret_and_a_poll_conflicts(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        async with listening() as listener:
            await stand.bot.set_webhook(listener.url, secret_token="s3cret", max_connections=7)
            await expect_error(stand.bot.get_updates(), 409, "can't use getUpdates method while webhook is active")
            await stand.create_anna()
            await eventually(listener, 1)
            _, secret, update = listener.got[0]
            assert (secret, update["message"]["text"]) == ("s3cret", "/start")
            info = await stand.bot.get_webhook_info()
            assert (info.url, info.max_connections, info.pending_update_count) == (listener.url, 7, 0)
            await stand.bot.delete_webhook()
            assert await stand.bot.get_updates() == []
            await expect_error(stand.bot.set_webhook("localhost/hook"), 400, "bad webhook")

    stand.run(story)


def test_what_a_webhook_does_not_take_comes_again_in_order(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        async with listening() as listener:
            listener.willing = False
            await stand.bot.set_webhook(listener.url)
            anna = await stand.create_anna()
            await anna.send_text("two")
            await eventually(listener, 1)
            assert (await stand.bot.get_webhook_info()).pending_update_count == 2
            ben = await stand.sim.create_user("Ben", bot=stand.bot.id)
            listener.willing = True
            await ben.send_text("not held up")
            await eventually(listener, 4)
            assert listener.texts() == ["/start", "not held up", "/start", "two"]
            pause_s = listener.got[2][0] - listener.got[0][0]
            assert pause_s >= 0.9
            assert "500" in ((await stand.bot.get_webhook_info()).last_error_message or "")

            # What waits when the webhook goes is there for a poll.
            listener.willing = False
            await anna.send_text("three")
            await eventually(listener, 5)
            await stand.bot.delete_webhook()
            (update,) = await stand.bot.get_updates(timeout=5)
            assert update.message is not None
            assert update.message.text == "three"
            await stand.bot.delete_webhook(drop_pending_updates=True)
            assert await stand.bot.get_updates() == []

    stand.run(story)


def test_a_webhook_has_no_more_connections_than_it_asked_for(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        async with listening() as listener:
            listener.delay_s = 0.05
            await stand.bot.set_webhook(listener.url, max_connections=3)
            people = [await stand.sim.create_user(bot=stand.bot.id) for _ in range(9)]
            handle = await stand.sim.upload(render_image(90, 90))
            await stand.sim.start_load(people, [handle], photos_per_user=1, bot=stand.bot.id)
            await eventually(listener, 9)
            assert listener.most_at_once == 3

    stand.run(story)


def _button() -> Any:
    from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Go", callback_data="go")]])
