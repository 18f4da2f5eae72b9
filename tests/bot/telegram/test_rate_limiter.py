"""All replicas together keep to Telegram's rate limits."""

import asyncio
import itertools
import time
from typing import Any

import pytest
from pydantic import SecretStr

from bot.dependencies import BotDependencies
from bot.storage import redis_keys
from bot.telegram.rate_limiter import Priority, RateLimiter
from shared.config.settings import Settings
from shared.ledger import admin
from tests.bot.redis_fixture import run_scenario


async def count_permits(
    rate_limiters: list[RateLimiter], seconds: float, chats: int, priority: Priority = Priority.ANSWER
) -> int:
    """Count the permits that replicas get if they ask as fast as they can."""
    end, permits = time.monotonic() + seconds, 0

    async def ask(rate_limiter: RateLimiter, chat_id: int) -> None:
        nonlocal permits
        while time.monotonic() < end:
            permit = await rate_limiter.request_permit(chat_id, priority)
            await asyncio.sleep(permit.wait_s if permit.granted else min(permit.wait_s, 0.05))
            permits += permit.granted and time.monotonic() < end

    await asyncio.gather(
        *(ask(rate_limiters[chat_id % len(rate_limiters)], chat_id) for chat_id in range(1, chats + 1))
    )
    return permits


def test_replicas_share_the_limit_of_all_chats(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        other = BotDependencies(Settings(redis_url=SecretStr(redis_url)))
        permits = await count_permits([dependencies.rate_limiter, other.rate_limiter], 2.0, chats=100)
        await other.close()
        # Two seconds of 29 permits each; a slow machine may miss some.
        assert 40 <= permits <= 59

    run_scenario(redis_url, scenario)


def test_paused_process_does_not_use_its_permits_at_once(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        rate_limiter = dependencies.rate_limiter

        async def send(wait_s: float) -> float:
            await asyncio.sleep(wait_s)
            await rate_limiter.space_sends()
            return time.monotonic()

        permits = await asyncio.gather(
            *(rate_limiter.request_permit(chat_id, Priority.ANSWER) for chat_id in range(1, 7))
        )
        sending = [asyncio.create_task(send(permit.wait_s)) for permit in permits if permit.granted]
        await asyncio.sleep(0)
        time.sleep(0.3)
        resumed_at = time.monotonic()
        sent_at = sorted(await asyncio.gather(*sending))
        # Telegram allows 30 in any second.
        assert all(at - resumed_at >= index / 30 for index, at in enumerate(sent_at[1:]))

    run_scenario(redis_url, scenario)


def test_status_update_is_granted_between_answers(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        rate_limiter = dependencies.rate_limiter
        answers = await asyncio.gather(*(rate_limiter.request_permit(chat_id, Priority.ANSWER) for chat_id in (1, 2)))
        assert all(permit.granted for permit in answers)
        await asyncio.sleep(0.1)
        assert (await rate_limiter.request_permit(3, Priority.PROGRESS)).granted

    run_scenario(redis_url, scenario)


def test_reserved_permit_is_granted_once(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        rate_limiter = dependencies.rate_limiter
        permits = await asyncio.gather(
            *(rate_limiter.request_permit(chat_id, Priority.ANSWER) for chat_id in range(1, 100))
        )
        waits_s = sorted(permit.wait_s for permit in permits if permit.granted)
        # Permits are reserved a second ahead and no further, one after the other, for all chats together.
        assert 29 <= len(waits_s) <= 31
        assert waits_s[0] == 0
        assert min(later - earlier for earlier, later in itertools.pairwise(waits_s)) > 0.025
        # While there are reserved permits, no lower priority gets one.
        assert not (await rate_limiter.request_permit(200, Priority.MESSAGE)).granted
        assert not (await rate_limiter.request_permit(201, Priority.PROGRESS)).granted

    run_scenario(redis_url, scenario)


def test_chat_gets_about_one_permit_a_second_and_a_group_fewer(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        rate_limiter = dependencies.rate_limiter
        assert 3 <= await count_permits([rate_limiter], 2.0, chats=1) <= 5
        assert await count_permits([rate_limiter], 1.0, chats=1, priority=Priority.ANSWER) <= 2
        waits_s = []
        for _ in range(4):
            waits_s.append((await rate_limiter.request_permit(-5, Priority.ANSWER)).wait_s)
            await asyncio.sleep(0.1)
        assert waits_s[:3] == [0, 0, 0]
        assert waits_s[3] > 1

    run_scenario(redis_url, scenario)


def test_status_update_never_goes_before_an_answer(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        rate_limiter = dependencies.rate_limiter
        answers = asyncio.create_task(count_permits([rate_limiter], 1.5, chats=60))
        await asyncio.sleep(0.2)
        updates = await count_permits([rate_limiter], 1.0, chats=30, priority=Priority.PROGRESS)
        assert updates <= 2
        assert await answers >= 10 * updates
        # Once no answer waits, status updates are granted, however slow the machine is.
        async with asyncio.timeout(30):
            granted = 0
            while granted < 5:
                granted += await count_permits([rate_limiter], 1.0, chats=30, priority=Priority.PROGRESS)

    run_scenario(redis_url, scenario)


def test_retry_after_blocks_the_chat_and_then_all_chats(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        rate_limiter = dependencies.rate_limiter
        await rate_limiter.block(1, 30)
        assert (await rate_limiter.request_permit(1, Priority.ANSWER)).wait_s > 25
        assert await rate_limiter.get_block_s(1) > 25
        assert (await rate_limiter.request_permit(2, Priority.ANSWER)).wait_s == 0
        await rate_limiter.block(3, 30)
        await rate_limiter.block(4, 30)
        permit = await rate_limiter.request_permit(2, Priority.ANSWER)
        assert permit.wait_s > 25
        assert not permit.is_chat_limit
        assert await rate_limiter.get_block_s(2) > 25

    run_scenario(redis_url, scenario)


def test_rate_limiter_follows_the_overrides_of_an_operator(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        overrides = await dependencies.ledger.run(admin.sync_overrides(("telegram_per_s", "1")))
        dependencies.overrides.apply(overrides)
        assert (await dependencies.rate_limiter.request_permit(1, Priority.ANSWER)).wait_s == 0
        assert (await dependencies.rate_limiter.request_permit(2, Priority.ANSWER)).wait_s > 0.5

    run_scenario(redis_url, scenario)


def test_lower_priorities_wait_while_a_higher_one_waits(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        client: Any = dependencies.client
        rate_limiter = dependencies.rate_limiter
        now_ms = (await dependencies.ledger.run(admin.get_overview())).time_s * 1000
        chats = itertools.count(1)

        async def granted() -> list[bool]:
            permits = [await rate_limiter.request_permit(next(chats), priority) for priority in Priority]
            await asyncio.sleep(0.1)
            return [permit.granted for permit in permits]

        await client.set(f"{redis_keys.RATE_LIMIT_PREFIX}waiting:{Priority.MESSAGE:d}", now_ms + 60_000)
        assert (await granted())[2] is False
        await client.set(f"{redis_keys.RATE_LIMIT_PREFIX}waiting:{Priority.ANSWER:d}", now_ms + 60_000)
        assert await granted() == [True, False, False]

    run_scenario(redis_url, scenario)


def test_an_answer_that_finds_no_permit_holds_back_the_others(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        client: Any = dependencies.client
        for chat_id in itertools.count(1):
            permit = await dependencies.rate_limiter.request_permit(chat_id, Priority.ANSWER)
            if not permit.granted:
                break
        waiting_until = float(await client.get(f"{redis_keys.RATE_LIMIT_PREFIX}waiting:0"))
        now_ms = (await dependencies.ledger.run(admin.get_overview())).time_s * 1000
        assert not permit.is_chat_limit
        # Half a second more than it waits, less what has passed meanwhile.
        assert now_ms - 20_000 < waiting_until - permit.wait_s * 1000 - 500 <= now_ms
        assert 0 < await client.pttl(f"{redis_keys.RATE_LIMIT_PREFIX}waiting:0") <= permit.wait_s * 1000 + 500

    run_scenario(redis_url, scenario)


def test_a_chat_is_spaced_from_when_its_reserved_permit_is_valid(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        client: Any = dependencies.client
        for chat_id in itertools.count(1):
            permit = await dependencies.rate_limiter.request_permit(chat_id, Priority.ANSWER)
            assert permit.granted
            if permit.wait_s > 0.2:
                break
        next_ms = float(await client.get(f"{redis_keys.RATE_LIMIT_PREFIX}chat:{chat_id}"))
        all_ms = float(await client.get(f"{redis_keys.RATE_LIMIT_PREFIX}all"))
        assert next_ms - (all_ms - 1000 / 29) == pytest.approx(1000, abs=5), "a second after its permit"

    run_scenario(redis_url, scenario)


def test_a_blocked_chat_is_told_from_a_block_of_all(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        rate_limiter = dependencies.rate_limiter
        await rate_limiter.block(1, 30)
        permit = await rate_limiter.request_permit(1, Priority.ANSWER)
        assert (permit.granted, permit.is_chat_limit) == (False, True)
        for chat_id in (2, 3):
            await rate_limiter.block(chat_id, 30)
        permit = await rate_limiter.request_permit(4, Priority.ANSWER)
        assert (permit.granted, permit.is_chat_limit) == (False, False)

    run_scenario(redis_url, scenario)
