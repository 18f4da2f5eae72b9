"""Updates reach a bot through one long poll or one webhook, until it accepts them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.simulator.harness import SimulatorTestbed, expect_error, render_image, running_simulator


class WebhookReceiver:
    """The receiving end of a webhook. It accepts updates while `accepting` is true."""

    def __init__(self) -> None:
        self.accepting = True
        self.delay_s = 0.0
        self.url = ""
        self.deliveries: list[tuple[float, str | None, dict[str, Any]]] = []
        self.in_flight = self.max_in_flight = 0

    async def receive(self, request: web.Request) -> web.Response:
        """Handle one delivery."""
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
        self.deliveries.append((time.monotonic(), secret, await request.json()))
        await asyncio.sleep(self.delay_s)
        self.in_flight -= 1
        return web.Response(status=200 if self.accepting else 500)

    def texts(self) -> list[str]:
        """The texts in order of arrival."""
        return [update["message"]["text"] for _, _, update in self.deliveries]


@asynccontextmanager
async def run_receiver() -> AsyncIterator[WebhookReceiver]:
    """Run a receiver on localhost."""
    receiver, app = WebhookReceiver(), web.Application()
    app.router.add_post("/hook", receiver.receive)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def wait_for_deliveries(receiver: WebhookReceiver, count: int) -> None:
    """Wait until `count` updates have arrived."""
    async with asyncio.timeout(15):
        while len(receiver.deliveries) < count:
            await asyncio.sleep(0.01)


def test_update_stays_until_a_later_offset_is_polled(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.create_anna()
        await anna.send_text("two")
        first, second = await testbed.bot.get_updates()
        assert [update.update_id for update in await testbed.bot.get_updates()] == [first.update_id, second.update_id]
        assert [update.update_id for update in await testbed.bot.get_updates(offset=second.update_id)] == [
            second.update_id
        ]
        assert await testbed.bot.get_updates(offset=second.update_id + 1) == []
        # It can be redelivered although the bot has confirmed it.
        await testbed.sim.redeliver_update(first.update_id, bot=testbed.bot.id)
        (again,) = await testbed.bot.get_updates(offset=second.update_id + 1)
        assert again == first

    testbed.run(scenario)


def test_kinds_that_are_not_allowed_are_dropped(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        await testbed.bot.get_updates(allowed_updates=["callback_query"])
        anna = await testbed.create_anna()
        sent = await testbed.bot.send_message(anna.id, "x", reply_markup=_button())
        await anna.press_button(sent.message_id, "go")
        (update,) = await testbed.bot.get_updates(timeout=5)
        assert update.callback_query is not None

    testbed.run(scenario)


def test_ids_of_a_simulator_that_starts_again_come_after_those_of_before() -> None:
    def collect_ids() -> list[int]:
        """Start a simulator; the ids of a user, a group, an update and a message."""
        ids: list[int] = []

        async def scenario() -> None:
            anna = await testbed.create_anna()
            group = await testbed.sim.create_group("Family", [anna])
            (update,) = await testbed.bot.get_updates()
            assert update.message is not None
            ids.extend((anna.id, -group.id, update.update_id, update.message.message_id))

        with running_simulator() as address:
            testbed = SimulatorTestbed(address)
            testbed.run(scenario)
        return ids

    before = collect_ids()
    # Ids of messages count seconds. The start of a simulator takes about one.
    time.sleep(1)
    assert all(second > first for first, second in zip(before, collect_ids(), strict=True))


def test_new_poll_terminates_the_older_one(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        older = asyncio.create_task(testbed.bot.get_updates(timeout=20))
        await asyncio.sleep(0.2)
        newer = asyncio.create_task(testbed.bot.get_updates(timeout=20))
        await expect_error(older, 409, "terminated by other getUpdates request; make sure that only one bot instance")
        await testbed.create_anna()
        assert len(await newer) == 1

    testbed.run(scenario)


def test_webhook_gets_updates_with_its_secret_and_excludes_polls(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        async with run_receiver() as receiver:
            await testbed.bot.set_webhook(receiver.url, secret_token="s3cret", max_connections=7)
            await expect_error(testbed.bot.get_updates(), 409, "can't use getUpdates method while webhook is active")
            await testbed.create_anna()
            await wait_for_deliveries(receiver, 1)
            _, secret, update = receiver.deliveries[0]
            assert (secret, update["message"]["text"]) == ("s3cret", "/start")
            info = await testbed.bot.get_webhook_info()
            assert (info.url, info.max_connections, info.pending_update_count) == (receiver.url, 7, 0)
            await testbed.bot.delete_webhook()
            assert await testbed.bot.get_updates() == []
            await expect_error(testbed.bot.set_webhook("localhost/hook"), 400, "bad webhook")

    testbed.run(scenario)


def test_webhook_retries_in_order_and_leaves_the_rest_to_polls(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        async with run_receiver() as receiver:
            receiver.accepting = False
            await testbed.bot.set_webhook(receiver.url)
            anna = await testbed.create_anna()
            await anna.send_text("two")
            await wait_for_deliveries(receiver, 1)
            assert (await testbed.bot.get_webhook_info()).pending_update_count == 2
            ben = await testbed.sim.create_user("Ben", bot=testbed.bot.id)
            receiver.accepting = True
            await ben.send_text("not held up")
            await wait_for_deliveries(receiver, 4)
            assert receiver.texts() == ["/start", "not held up", "/start", "two"]
            pause_s = receiver.deliveries[2][0] - receiver.deliveries[0][0]
            assert pause_s >= 0.9
            assert "500" in ((await testbed.bot.get_webhook_info()).last_error_message or "")

            # After the webhook is deleted, a poll gets the pending updates.
            receiver.accepting = False
            await anna.send_text("three")
            await wait_for_deliveries(receiver, 5)
            await testbed.bot.delete_webhook()
            (update,) = await testbed.bot.get_updates(timeout=5)
            assert update.message is not None
            assert update.message.text == "three"
            await testbed.bot.delete_webhook(drop_pending_updates=True)
            assert await testbed.bot.get_updates() == []

    testbed.run(scenario)


def test_webhook_uses_at_most_max_connections(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        async with run_receiver() as receiver:
            receiver.delay_s = 0.05
            await testbed.bot.set_webhook(receiver.url, max_connections=3)
            users = [await testbed.sim.create_user(bot=testbed.bot.id) for _ in range(9)]
            file_id = await testbed.sim.upload(render_image(90, 90))
            await testbed.sim.start_load(users, [file_id], photos_per_user=1, bot=testbed.bot.id)
            await wait_for_deliveries(receiver, 9)
            assert receiver.max_in_flight == 3

    testbed.run(scenario)


def _button() -> Any:
    from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Go", callback_data="go")]])
