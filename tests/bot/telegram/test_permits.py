"""Single permits of the rate limiter: what is granted, what has to wait for how long, and what a block does."""

import pytest

from bot.dependencies import BotDependencies
from bot.telegram.rate_limiter import Permit, Priority
from tests.bot.redis_fixture import run_scenario


async def ask(dependencies: BotDependencies, chat_id: int, priority: Priority = Priority.ANSWER) -> Permit:
    return await dependencies.rate_limiter.request_permit(chat_id, priority)


def test_chat_has_a_burst_and_then_its_own_limit(redis_url: str) -> None:
    """One message each 20 s and a burst of one and a half: two at once, and the third has to wait."""

    async def scenario(dependencies: BotDependencies) -> None:
        permits = [await ask(dependencies, 1) for _ in range(3)]
        assert [permit.granted for permit in permits] == [True, True, False]
        assert permits[2].is_chat_limit
        assert 5 < permits[2].wait_s <= 20
        assert (await ask(dependencies, 2)).granted, "another chat has a limit of its own"

    run_scenario(redis_url, scenario, telegram_chat_per_s=0.05)


def test_group_has_the_limit_of_groups(redis_url: str) -> None:
    """Three a minute for a group, with a burst of two more: the fourth waits, although a private chat may go on."""

    async def scenario(dependencies: BotDependencies) -> None:
        permits = [await ask(dependencies, -1) for _ in range(4)]
        assert [permit.granted for permit in permits] == [True, True, True, False]
        assert 5 < permits[3].wait_s <= 20
        assert all([(await ask(dependencies, 1)).granted for _ in range(2)])

    run_scenario(redis_url, scenario, telegram_group_per_minute=3.0)


def test_only_an_answer_reserves_a_permit_ahead(redis_url: str) -> None:
    """One message a second for all chats: the second answer is granted for later, a message has to ask again."""

    async def scenario(dependencies: BotDependencies) -> None:
        assert await ask(dependencies, 1) == Permit(0, granted=True, is_chat_limit=False)
        message = await ask(dependencies, 2, Priority.MESSAGE)
        assert not message.granted
        assert not message.is_chat_limit
        assert 0 < message.wait_s <= 1
        answer = await ask(dependencies, 3)
        assert answer.granted
        assert 0 < answer.wait_s <= 1
        later = await ask(dependencies, 4)
        assert not later.granted, "a permit more than a second ahead is not reserved"

    run_scenario(redis_url, scenario, telegram_per_s=1.0)


def test_wait_ends_at_once_if_the_chat_has_to_wait_too_long(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        for _ in range(2):
            await ask(dependencies, 1)
        refused = await dependencies.rate_limiter.wait_for_permit(1, Priority.ANSWER, max_wait_s=2)
        assert not refused.granted
        assert refused.wait_s > 2

    run_scenario(redis_url, scenario, telegram_chat_per_s=0.05)


def test_block_of_a_chat_holds_for_its_time_and_for_no_other_chat(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        rate_limiter = dependencies.rate_limiter
        assert await rate_limiter.get_block_s(1) == 0
        await rate_limiter.block(1, 30)
        assert 20 < await rate_limiter.get_block_s(1) <= 31
        assert await rate_limiter.get_block_s(2) == 0
        permit = await ask(dependencies, 1)
        assert not permit.granted
        assert 20 < permit.wait_s <= 31
        assert (await ask(dependencies, 2)).granted

    run_scenario(redis_url, scenario)


@pytest.mark.parametrize(("limited", "blocks_all"), [(2, False), (3, True)])
def test_third_limited_chat_of_a_second_blocks_all_chats(redis_url: str, limited: int, blocks_all: bool) -> None:
    """Then the limit of all chats is exceeded, and each further message would make it worse."""

    async def scenario(dependencies: BotDependencies) -> None:
        for chat_id in range(1, limited + 1):
            await dependencies.rate_limiter.block(chat_id, 30)
        assert (await dependencies.rate_limiter.get_block_s(99) > 20) is blocks_all
        assert (await ask(dependencies, 99)).granted is not blocks_all

    run_scenario(redis_url, scenario)


def test_same_chat_that_is_limited_again_is_one_chat(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        for _ in range(5):
            await dependencies.rate_limiter.block(1, 30)
        assert await dependencies.rate_limiter.get_block_s(99) == 0

    run_scenario(redis_url, scenario)
