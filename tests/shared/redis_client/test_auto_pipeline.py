"""What coroutines ask of Redis at the same time goes out together, and each gets its own reply."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.exceptions import ResponseError

from shared.redis_client.client import create_async_client
from shared.redis_client.retry import AsyncRedisRetry


def play(url: str, scene: Callable[[Any], Awaitable[None]]) -> None:
    async def run() -> None:
        async with create_async_client(url) as client:
            await scene(client)

    asyncio.run(run())


def test_a_crowd_shares_one_connection_and_everyone_gets_their_own(redis_url: str) -> None:
    async def scene(client: Any) -> None:
        before = len(await client.client_list())
        await asyncio.gather(*(client.set(f"name:{number}", number) for number in range(300)))
        found = await asyncio.gather(*(client.get(f"name:{number}") for number in range(300)))
        assert found == [b"%d" % number for number in range(300)]
        assert len(await client.client_list()) == before

    play(redis_url, scene)


def test_a_wrong_command_is_the_trouble_of_its_caller_only(redis_url: str) -> None:
    async def scene(client: Any) -> None:
        await client.set("word", "mole")
        script = client.register_script("return redis.call('GET', KEYS[1])")
        commands: list[Awaitable[Any]] = [client.incr("word"), client.strlen("word"), script(keys=["word"])]
        replies = await asyncio.gather(*commands, return_exceptions=True)
        assert isinstance(replies[0], ResponseError)
        assert replies[1:] == [4, b"mole"]

    play(redis_url, scene)


def test_who_waits_for_a_bell_holds_nobody_up(redis_url: str) -> None:
    async def scene(client: Any) -> None:
        bell = asyncio.create_task(client.blpop(["bell"], timeout=20))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(10):
            await client.rpush("bell", "1")
            assert await bell == (b"bell", b"1")

    play(redis_url, scene)


def test_a_connection_that_breaks_is_everybodys_and_everybody_tries_again(redis_url: str) -> None:
    async def scene(client: Any) -> None:
        retry = AsyncRedisRetry("test")

        async def count() -> None:
            for _ in range(50):
                await retry.call(lambda: client.incr("count"))

        counting = [asyncio.create_task(count()) for _ in range(20)]
        async with create_async_client(redis_url) as other:
            for _ in range(5):
                await asyncio.sleep(0.01)
                await other.client_kill_filter(_type="normal", skipme=True)
        await asyncio.gather(*counting)
        # What was done when the reply was lost is done again: the ledger's moves can be repeated.
        assert int(await client.get("count")) >= 1000

    play(redis_url, scene)


@pytest.mark.parametrize("crowd", [1, 500])
def test_commands_of_one_keep_their_order(redis_url: str, crowd: int) -> None:
    async def scene(client: Any) -> None:
        async def write(number: int) -> None:
            for word in ("one", "two", "three"):
                await client.rpush(f"list:{number}", word)

        await asyncio.gather(*(write(number) for number in range(crowd)))
        lists = await asyncio.gather(*(client.lrange(f"list:{number}", 0, -1) for number in range(crowd)))
        assert all(found == [b"one", b"two", b"three"] for found in lists)

    play(redis_url, scene)
