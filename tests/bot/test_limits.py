"""Telegram's limits and our own are kept by all replicas together."""

import asyncio
import itertools
import time
from typing import Any

import pytest
from pydantic import SecretStr

from bot.dependencies import BotDependencies
from bot.storage import redis_keys
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.users import Admission, UserStore
from bot.telegram.rate_limiter import Priority, RateLimiter
from shared.config.settings import Settings
from shared.ledger import admin
from tests.bot.redis_fixture import play


def photograph(person: int = 7, message: int = 1, album: str | None = None) -> PhotoOrigin:
    return PhotoOrigin(chat_id=person, message_id=message, user_id=person, file_id="F", album_id=album)


async def sent_within(
    rate_limiters: list[RateLimiter], seconds: float, chats: int, urgency: Priority = Priority.ANSWER
) -> int:
    """How many turns impatient replicas get."""
    end, turns = time.monotonic() + seconds, 0

    async def ask(rate_limiter: RateLimiter, chat: int) -> None:
        nonlocal turns
        while time.monotonic() < end:
            turn = await rate_limiter.request_permit(chat, urgency)
            await asyncio.sleep(turn.wait_s if turn.granted else min(turn.wait_s, 0.05))
            turns += turn.granted and time.monotonic() < end

    await asyncio.gather(*(ask(rate_limiters[chat % len(rate_limiters)], chat) for chat in range(1, chats + 1)))
    return turns


def test_replicas_share_the_budget_of_all_chats(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        other = BotDependencies(Settings(redis_url=SecretStr(redis_url)))
        turns = await sent_within([dependencies.rate_limiter, other.rate_limiter], 2.0, chats=100)
        await other.close()
        # Two seconds of 29 turns each; a slow machine may miss some.
        assert 40 <= turns <= 59

    play(redis_url, scene)


def test_a_bot_that_stood_still_does_not_send_what_it_slept_through_at_once(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        async def send(wait_s: float) -> float:
            await asyncio.sleep(wait_s)
            await dependencies.rate_limiter.space_sends()
            return time.monotonic()

        turns = await asyncio.gather(
            *(dependencies.rate_limiter.request_permit(chat, Priority.ANSWER) for chat in range(1, 7))
        )
        sending = [asyncio.create_task(send(turn.wait_s)) for turn in turns if turn.granted]
        await asyncio.sleep(0)
        time.sleep(0.3)
        woken = time.monotonic()
        sent = sorted(await asyncio.gather(*sending))
        # Telegram allows 30 in any second.
        assert all(at - woken >= place / 30 for place, at in enumerate(sent[1:]))

    play(redis_url, scene)


def test_between_answers_there_is_room_for_word_of_progress(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        answers = await asyncio.gather(
            *(dependencies.rate_limiter.request_permit(chat, Priority.ANSWER) for chat in (1, 2))
        )
        assert all(turn.granted for turn in answers)
        await asyncio.sleep(0.1)
        assert (await dependencies.rate_limiter.request_permit(3, Priority.PROGRESS)).granted

    play(redis_url, scene)


def test_a_turn_that_was_given_is_not_given_twice(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        turns = await asyncio.gather(
            *(dependencies.rate_limiter.request_permit(chat, Priority.ANSWER) for chat in range(1, 100))
        )
        ours = sorted(turn.wait_s for turn in turns if turn.granted)
        # Turns are given a second ahead and no further, one after the other, whoever asks.
        assert 29 <= len(ours) <= 31
        assert ours[0] == 0
        assert min(later - earlier for earlier, later in itertools.pairwise(ours)) > 0.025
        # And while they are to come, nothing else is said.
        assert not (await dependencies.rate_limiter.request_permit(200, Priority.MESSAGE)).granted
        assert not (await dependencies.rate_limiter.request_permit(201, Priority.PROGRESS)).granted

    play(redis_url, scene)


def test_one_chat_gets_about_one_a_second_and_a_group_less(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        assert 3 <= await sent_within([dependencies.rate_limiter], 2.0, chats=1) <= 5
        assert await sent_within([dependencies.rate_limiter], 1.0, chats=1, urgency=Priority.ANSWER) <= 2
        waits = []
        for _ in range(4):
            waits.append((await dependencies.rate_limiter.request_permit(-5, Priority.ANSWER)).wait_s)
            await asyncio.sleep(0.1)
        assert waits[:3] == [0, 0, 0]
        assert waits[3] > 1

    play(redis_url, scene)


def test_word_of_progress_never_goes_before_an_answer(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        answers = asyncio.create_task(sent_within([dependencies.rate_limiter], 1.5, chats=60))
        await asyncio.sleep(0.2)
        edits = await sent_within([dependencies.rate_limiter], 1.0, chats=30, urgency=Priority.PROGRESS)
        assert edits <= 2
        assert await answers >= 10 * edits
        # Once no answer waits, there is room.
        assert await sent_within([dependencies.rate_limiter], 1.0, chats=30, urgency=Priority.PROGRESS) >= 5

    play(redis_url, scene)


def test_retry_after_is_obeyed_by_the_chat_and_then_by_all(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        await dependencies.rate_limiter.block(1, 30)
        assert (await dependencies.rate_limiter.request_permit(1, Priority.ANSWER)).wait_s > 25
        assert (await dependencies.rate_limiter.request_permit(2, Priority.ANSWER)).wait_s == 0
        await dependencies.rate_limiter.block(3, 30)
        await dependencies.rate_limiter.block(4, 30)
        turn = await dependencies.rate_limiter.request_permit(2, Priority.ANSWER)
        assert turn.wait_s > 25
        assert not turn.is_chat_limit

    play(redis_url, scene)


async def admitted(people: UserStore, *references: PhotoOrigin) -> list[Admission]:
    return [(await people.admit(f"job-{one.user_id}-{one.message_id}", one, "en")).admission for one in references]


def test_too_many_photographs_are_told_once_and_the_allowance_comes_back(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        await dependencies.users.record_consent(7)
        many = [photograph(message=number) for number in range(5)]
        assert await admitted(dependencies.users, *many) == [Admission.ADMITTED] * 3 + [
            Admission.TOO_FAST,
            Admission.TOO_FAST_REPEATED,
        ]
        # A repeated update costs nothing, and somebody else has an allowance of their own.
        assert await admitted(dependencies.users, many[0]) == [Admission.ADMITTED]
        await dependencies.users.record_consent(8)
        assert await admitted(dependencies.users, photograph(person=8)) == [Admission.ADMITTED]
        await asyncio.sleep(0.6)
        assert await admitted(dependencies.users, many[4], photograph(message=9)) == [
            Admission.ADMITTED,
            Admission.TOO_FAST,
        ]

    play(redis_url, scene, user_burst=3, user_per_minute=120)


def test_a_day_has_its_quota(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        await dependencies.users.record_consent(7)
        found = await admitted(dependencies.users, *(photograph(message=number) for number in range(4)))
        assert found == [Admission.ADMITTED, Admission.ADMITTED, Admission.DAILY_LIMIT, Admission.DAILY_LIMIT_REPEATED]

    play(redis_url, scene, user_per_day=2)


def test_an_operator_changes_limits_and_changes_them_back(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        await dependencies.users.record_consent(7)
        dependencies.overrides.apply(
            await dependencies.ledger.run(admin.sync_overrides(("user_per_day", "1"), ("telegram_per_s", "1")))
        )
        found = await admitted(dependencies.users, photograph(message=1), photograph(message=2))
        assert found == [Admission.ADMITTED, Admission.DAILY_LIMIT]
        assert (await dependencies.rate_limiter.request_permit(1, Priority.ANSWER)).wait_s == 0
        assert (await dependencies.rate_limiter.request_permit(2, Priority.ANSWER)).wait_s > 0.5
        # One that another release wrote, or a value that cannot be, stops nobody.
        dependencies.overrides.apply(
            await dependencies.ledger.run(admin.sync_overrides(("user_per_day", "many"), ("moon", "full")))
        )
        assert dependencies.overrides.current.user_per_day == 3
        dependencies.overrides.apply(await dependencies.ledger.run(admin.sync_overrides(("user_per_day", ""))))
        assert await admitted(dependencies.users, photograph(message=3)) == [Admission.ADMITTED]

    play(redis_url, scene, user_per_day=3)


def test_before_consent_a_photograph_is_kept_for_a_day_and_only_its_file_id(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        client: Any = dependencies.client
        assert await admitted(dependencies.users, photograph()) == [Admission.NO_CONSENT]
        assert 86_000 < await client.ttl(redis_keys.pending_photos(7)) <= 86_400
        assert await client.keys("*job*") == []
        assert list(await dependencies.users.record_consent(7)) == ["job-7-1"]

    play(redis_url, scene)


@pytest.mark.parametrize("chosen", [None, "ru"])
def test_a_chosen_language_goes_before_telegrams(redis_url: str, chosen: str | None) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        if chosen:
            await dependencies.users.set_language(7, chosen)
        assert await dependencies.users.get_language(7, "en") == (chosen or "en")

    play(redis_url, scene)
