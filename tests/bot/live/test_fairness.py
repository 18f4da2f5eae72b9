"""One user never holds up another, and an update that cannot be read holds up nobody."""

import asyncio
import time

from simulator.client.client import User
from tests.bot.live.live_bot import (
    IMAGE,
    LiveBot,
    bot_texts,
    count_containing,
    run_live_bot,
    wait_for,
    wait_for_reply,
)

#: A flood used to delay everybody by a minute. Generous, because test machines are slow. Seconds.
PROMPT_S = 12.0


async def expect_prompt_start(user: User) -> None:
    sent_at = time.monotonic()
    await wait_for(user, await user.send_text("/help"), "daylight")
    assert time.monotonic() - sent_at < PROMPT_S


def test_commands_of_one_user_delay_no_other(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        flooding, other = await live.create_user(), await live.create_user()
        for number in range(120):
            await flooding.send_text("/help" if number % 2 else "/privacy")
        await expect_prompt_start(other)

    run_live_bot(redis_url, scenario, limits=True)


def test_presses_of_one_user_delay_no_other_and_change_requests_still_work(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        flooding, other = await live.create_user(), await live.create_user()
        sent = await flooding.send_text("/language")
        question = await wait_for(flooding, sent)
        for number in range(60):
            await flooding.press_button(question["message_id"], "language:ru" if number % 2 else "language:en")
        await expect_prompt_start(other)
        cancel = await flooding.send_text("/cancel")
        await wait_for(flooding, cancel)

    run_live_bot(redis_url, scenario, limits=True)


def test_photographs_without_consent_of_one_user_delay_no_other(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        flooding, other = await live.create_user(consent=False), await live.create_user()
        image = await live.simulator.upload(IMAGE)
        for _ in range(60):
            await flooding.send_photo(image)
        await expect_prompt_start(other)

    run_live_bot(redis_url, scenario, limits=True)


def test_equal_commands_that_wait_get_one_reply_and_replies_keep_their_order(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        before = len(await bot_texts(user))
        for command in ("/privacy", "/help", "/help", "/language", "/help"):
            last = await user.send_text(command)
        await wait_for(user, last, "In which language")
        await asyncio.sleep(1.5)
        replies = (await bot_texts(user))[before:]
        assert [text[:10] for text in replies] == ["Kept until", "A good pho", "In which l"]

    run_live_bot(redis_url, scenario, limits=True)


def test_user_beyond_the_allowance_of_requests_is_told_once(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        for _ in range(60):
            last = await user.send_text("/help")
        await wait_for(user, last, "That is a lot at once")
        assert count_containing(await bot_texts(user), "That is a lot at once") == 1

    run_live_bot(redis_url, scenario)


def test_update_that_cannot_be_read_is_passed_over(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        user = await live.create_user()
        bot = live.state.find_bot()
        bot.updates.add("message", {"message_id": "not a number", "text": "of a coming release"})
        for content in ("of a coming release", {"chat": 1, "photo": 2}, {"from": "me", "text": "x"}):
            bot.updates.add("message", content)  # type: ignore[arg-type] # nobody knows the form
        await wait_for(user, await user.send_text("/help"), "daylight")

    run_live_bot(redis_url, scenario)


def test_progress_that_hangs_at_telegram_leaves_the_bot_ready_and_others_informed(redis_url: str) -> None:
    async def scenario(live: LiveBot) -> None:
        stuck, other = await live.create_user(), await live.create_user()
        await live.simulator.set_faults(1.0, kinds=["hang"], methods=["sendMessage"], chats=[stuck.id])
        await stuck.send_photo(IMAGE)
        await asyncio.sleep(2.5)
        sent = await other.send_photo(IMAGE)
        await wait_for_reply(other, sent, "Received")
        assert live.tasks.is_making_progress()

    run_live_bot(redis_url, scenario)
