"""Limits on messages, faults on demand, and what a crowd of people gets for its photographs."""

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


def test_a_chat_gets_one_message_a_second_after_a_burst(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        anna = await stand.create_anna()
        await stand.sim.set_rate_limits(True)
        sent = [await stand.bot.send_message(anna.id, str(number)) for number in range(3)]
        error = await expect_error(stand.bot.send_message(anna.id, "x"), 429, "Too Many Requests: retry after 1")
        assert isinstance(error, TelegramRetryAfter)
        assert error.retry_after == 1
        # Edits count too.
        edit = stand.bot.edit_message_text("y", chat_id=anna.id, message_id=sent[0].message_id)
        await expect_error(edit, 429, "Too Many Requests")
        await asyncio.sleep(1)
        await stand.bot.send_message(anna.id, "x")
        await stand.sim.set_rate_limits(enabled=False)
        for number in range(5):
            await stand.bot.send_message(anna.id, str(number))

    stand.run(story)


def test_all_chats_together_get_thirty_a_second_and_a_group_twenty_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
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
    # An album goes out whole, and leaves a debt.
    group.take(7, 4)
    clock += 1
    with pytest.raises(ApiError, match="retry after 1"):
        group.take(7)
    clock += 1
    group.take(7)


def test_faults_have_the_effect_they_are_named_for(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        anna = await stand.create_anna()
        for kind, code in (("429", 429), ("500", 500), ("403", 403)):
            await stand.sim.set_faults(1, [kind], ["sendMessage"], retry_after=4)
            await expect_error(stand.bot.send_message(anna.id, kind), code, "")
        await stand.bot.send_chat_action(anna.id, "typing")
        for kind in ("cut_before", "cut_after"):
            await stand.sim.set_faults(1, [kind])
            with pytest.raises(TelegramNetworkError):
                await stand.bot.send_message(anna.id, kind)
        # A poll is spared unless it is named.
        await stand.bot.get_updates()
        await stand.sim.clear_faults()
        assert [message["text"] for message in await anna.get_messages()] == ["/start", "cut_after"]
        calls = [call for call in await stand.sim.get_calls() if call["bot"] == str(stand.bot.id) and call["fault"]]
        assert [(call["fault"], call["took_effect"], call["error_code"]) for call in calls] == [
            ("429", False, 429),
            ("500", False, 500),
            ("403", False, 403),
            ("cut_before", False, None),
            ("cut_after", True, None),
        ]
        assert calls[-1]["message_id"] == (await anna.get_messages())[-1]["message_id"]
        with pytest.raises(SimulatorError, match="there is no fault"):
            await stand.sim.set_faults(1, ["408"])

    stand.run(story)


def test_a_share_of_the_calls_fails(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        await stand.sim.set_faults(0.25, ["500"], ["getMe"], seed=3)
        done = [await asyncio.gather(stand.bot.get_me(), return_exceptions=True) for _ in range(200)]
        assert 25 < sum(isinstance(one, Exception) for (one,) in done) < 75

    stand.run(story)


def test_a_crowd_and_what_it_got(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        people = [await stand.sim.create_user(bot=stand.bot.id) for _ in range(5)]
        images = [await stand.sim.upload(render_image(colour=colour)) for colour in ("red", "blue")]
        crowd = await stand.sim.start_load(people, images, photos_per_user=2, spread_s=0.5, bot=stand.bot.id)
        offset = 0
        answered = 0
        while answered < 10:
            for update in await stand.bot.get_updates(offset=offset, timeout=5):
                offset = update.update_id + 1
                message = update.message
                assert message is not None
                reply = ReplyParameters(message_id=message.message_id)
                sent = await stand.bot.send_message(message.chat.id, "working", reply_parameters=reply)
                await stand.bot.edit_message_text("done", chat_id=message.chat.id, message_id=sent.message_id)
                answered += 1
        assert await stand.sim.get_load_progress(crowd) == {"expected": 10, "sent": 10, "answered": 10}
        outcome = await stand.sim.get_load_results(crowd)
        assert sorted({one["chat"] for one in outcome}) == [person.id for person in people]
        assert 0.3 < outcome[-1]["sent_at"] - outcome[0]["sent_at"] < 3
        for one in outcome:
            (got,) = one["replies"]
            assert (got["kind"], got["text"], got["edited"]) == ("text", "done", 1)
            assert one["sent_at"] <= got["at"] <= got["last_edited_at"] <= time.monotonic()
        first = (await people[0].get_messages())[0]
        assert first["sim"]["replies"] == [outcome[0]["replies"][0]["message_id"]]

    stand.run(story)


def test_calls_that_are_not_understood(stand: SimulatorTestbed) -> None:
    async def story() -> None:
        base = f"{stand.address}/bot{stand.token}"
        send = f"{base}/sendMessage"
        async with ClientSession() as session:

            async def answer(address: str, **how: object) -> tuple[int, str]:
                async with session.post(address, **how) as reply:  # type: ignore[arg-type]
                    found = await reply.json()
                    assert found["ok"] is (reply.status == 200)
                    return reply.status, found.get("description", "")

            assert await answer(f"{stand.address}/bot12:short/getMe") == (401, "Unauthorized")
            assert await answer(f"{base}/sendMoney") == (404, "Not Found")
            assert await answer(f"{base}/GETME") == (200, "")
            assert await answer(send, json=[1]) == (
                400,
                "Bad Request: object expected as JSON request",
            )
            status, words = await answer(send, data=b"{", headers={"Content-Type": "application/json"})
            assert (status, "can't parse request JSON" in words) == (400, True)
            anna = await stand.create_anna()
            form = {"chat_id": str(anna.id), "text": "by a form", "reply_markup": "{"}
            assert (await answer(send, data=form))[0] == 400
            assert await answer(send, data=form | {"reply_markup": ""}) == (200, "")
            async with session.get(f"{base}/getMe") as reply:
                assert (await reply.json())["result"]["id"] == stand.bot.id

    stand.run(story)
