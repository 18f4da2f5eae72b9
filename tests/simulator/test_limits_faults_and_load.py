"""Rate limits on messages, injected faults, load runs, and malformed calls."""

import asyncio
import time

import pytest
from aiogram.exceptions import TelegramNetworkError, TelegramRetryAfter
from aiogram.types import ReplyParameters
from aiohttp import ClientSession

from simulator.client.client import SimulatorError
from simulator.errors import ApiError
from simulator.state.rate_limits import RateLimits
from tests.simulator.harness import SimulatorTestbed, expect_error, render_image


def test_chat_gets_one_message_a_second_after_a_burst(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.create_anna()
        await testbed.sim.set_rate_limits(True)
        sent = [await testbed.bot.send_message(anna.id, str(number)) for number in range(3)]
        error = await expect_error(testbed.bot.send_message(anna.id, "x"), 429, "Too Many Requests: retry after 1")
        assert isinstance(error, TelegramRetryAfter)
        assert error.retry_after == 1
        # Edits count as messages.
        edit = testbed.bot.edit_message_text("y", chat_id=anna.id, message_id=sent[0].message_id)
        await expect_error(edit, 429, "Too Many Requests")
        await asyncio.sleep(1)
        await testbed.bot.send_message(anna.id, "x")
        await testbed.sim.set_rate_limits(enabled=False)
        for number in range(5):
            await testbed.bot.send_message(anna.id, str(number))

    testbed.run(scenario)


def test_rate_limits_are_30_a_second_in_all_and_20_a_minute_to_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 100.0
    monkeypatch.setattr("simulator.state.rate_limits.time.monotonic", lambda: clock)
    limits = RateLimits(enabled=True)
    for chat in range(30):
        limits.take(chat)
    with pytest.raises(ApiError, match="retry after 1"):
        limits.take(99)
    clock += 1
    limits.take(99)
    group = RateLimits(enabled=True)
    for _ in range(20):
        clock += 1
        group.take(-5)
    clock += 10
    with pytest.raises(ApiError, match="retry after 31"):
        group.take(-5)
    group.take(5)
    clock += 31
    group.take(-5)
    # An album is sent as a whole, and the chat has to wait for all its messages.
    group.take(7, 4)
    clock += 1
    with pytest.raises(ApiError, match="retry after 1"):
        group.take(7)
    clock += 1
    group.take(7)


def test_faults_have_the_effect_of_their_kind_and_are_logged(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        anna = await testbed.create_anna()
        for kind, code in (("429", 429), ("500", 500), ("403", 403)):
            await testbed.sim.set_faults(1, [kind], ["sendMessage"], retry_after=4)
            await expect_error(testbed.bot.send_message(anna.id, kind), code, "")
        await testbed.bot.send_chat_action(anna.id, "typing")
        for kind in ("cut_before", "cut_after"):
            await testbed.sim.set_faults(1, [kind])
            with pytest.raises(TelegramNetworkError):
                await testbed.bot.send_message(anna.id, kind)
        # Polls are exempt unless they are named.
        await testbed.bot.get_updates()
        await testbed.sim.clear_faults()
        assert [message["text"] for message in await anna.get_messages()] == ["/start", "cut_after"]
        calls = [call for call in await testbed.sim.get_calls() if call["bot"] == str(testbed.bot.id) and call["fault"]]
        assert [(call["fault"], call["took_effect"], call["error_code"]) for call in calls] == [
            ("429", False, 429),
            ("500", False, 500),
            ("403", False, 403),
            ("cut_before", False, None),
            ("cut_after", True, None),
        ]
        assert calls[-1]["message_id"] == (await anna.get_messages())[-1]["message_id"]
        with pytest.raises(SimulatorError, match="there is no fault"):
            await testbed.sim.set_faults(1, ["408"])

    testbed.run(scenario)


def test_faults_hit_a_share_of_the_calls(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        await testbed.sim.set_faults(0.25, ["500"], ["getMe"], seed=3)
        results = [await asyncio.gather(testbed.bot.get_me(), return_exceptions=True) for _ in range(200)]
        assert 25 < sum(isinstance(result, Exception) for (result,) in results) < 75

    testbed.run(scenario)


def test_load_run_reports_progress_and_results(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        users = [await testbed.sim.create_user(bot=testbed.bot.id) for _ in range(5)]
        images = [await testbed.sim.upload(render_image(colour=colour)) for colour in ("red", "blue")]
        run = await testbed.sim.start_load(users, images, photos_per_user=2, spread_s=0.5, bot=testbed.bot.id)
        offset = 0
        answered = 0
        while answered < 10:
            for update in await testbed.bot.get_updates(offset=offset, timeout=5):
                offset = update.update_id + 1
                message = update.message
                assert message is not None
                reply_to = ReplyParameters(message_id=message.message_id)
                sent = await testbed.bot.send_message(message.chat.id, "working", reply_parameters=reply_to)
                await testbed.bot.edit_message_text("done", chat_id=message.chat.id, message_id=sent.message_id)
                answered += 1
        assert await testbed.sim.get_load_progress(run) == {"expected": 10, "sent": 10, "answered": 10}
        results = await testbed.sim.get_load_results(run)
        assert sorted({result["chat"] for result in results}) == [user.id for user in users]
        assert 0.3 < results[-1]["sent_at"] - results[0]["sent_at"] < 3
        for result in results:
            (reply,) = result["replies"]
            assert (reply["kind"], reply["text"], reply["edited"]) == ("text", "done", 1)
            assert result["sent_at"] <= reply["at"] <= reply["last_edited_at"] <= time.monotonic()
        first = (await users[0].get_messages())[0]
        assert first["sim"]["replies"] == [results[0]["replies"][0]["message_id"]]

    testbed.run(scenario)


def test_malformed_calls_are_refused(testbed: SimulatorTestbed) -> None:
    async def scenario() -> None:
        base = f"{testbed.address}/bot{testbed.token}"
        send = f"{base}/sendMessage"
        async with ClientSession() as session:

            async def post(address: str, **options: object) -> tuple[int, str]:
                async with session.post(address, **options) as reply:  # type: ignore[arg-type]
                    body = await reply.json()
                    assert body["ok"] is (reply.status == 200)
                    return reply.status, body.get("description", "")

            assert await post(f"{testbed.address}/bot12:short/getMe") == (401, "Unauthorized")
            assert await post(f"{base}/sendMoney") == (404, "Not Found")
            assert await post(f"{base}/GETME") == (200, "")
            assert await post(send, json=[1]) == (
                400,
                "Bad Request: object expected as JSON request",
            )
            status, description = await post(send, data=b"{", headers={"Content-Type": "application/json"})
            assert (status, "can't parse request JSON" in description) == (400, True)
            anna = await testbed.create_anna()
            form = {"chat_id": str(anna.id), "text": "by a form", "reply_markup": "{"}
            assert (await post(send, data=form))[0] == 400
            assert await post(send, data=form | {"reply_markup": ""}) == (200, "")
            async with session.get(f"{base}/getMe") as reply:
                assert (await reply.json())["result"]["id"] == testbed.bot.id

    testbed.run(scenario)
