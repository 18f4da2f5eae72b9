"""Concurrent commands of coroutines share a pipeline, and each caller gets its own reply."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.exceptions import ResponseError

from shared.redis_client.client import create_async_client
from shared.redis_client.retry import AsyncRedisRetry


def run_scenario(url: str, scenario: Callable[[Any], Awaitable[None]]) -> None:
    async def run() -> None:
        async with create_async_client(url) as client:
            await scenario(client)

    asyncio.run(run())


def test_concurrent_commands_share_one_connection_and_each_gets_its_reply(redis_url: str) -> None:
    async def scenario(client: Any) -> None:
        before = len(await client.client_list())
        await asyncio.gather(*(client.set(f"name:{index}", index) for index in range(300)))
        replies = await asyncio.gather(*(client.get(f"name:{index}") for index in range(300)))
        assert replies == [b"%d" % index for index in range(300)]
        assert len(await client.client_list()) == before

    run_scenario(redis_url, scenario)


def test_an_error_reaches_only_the_caller_of_its_command(redis_url: str) -> None:
    async def scenario(client: Any) -> None:
        await client.set("text", "mole")
        script = client.register_script("return redis.call('GET', KEYS[1])")
        commands: list[Awaitable[Any]] = [client.incr("text"), client.strlen("text"), script(keys=["text"])]
        replies = await asyncio.gather(*commands, return_exceptions=True)
        assert isinstance(replies[0], ResponseError)
        assert replies[1:] == [4, b"mole"]

    run_scenario(redis_url, scenario)


def test_a_blocking_command_delays_no_other(redis_url: str) -> None:
    async def scenario(client: Any) -> None:
        read = asyncio.create_task(client.blpop(["signal"], timeout=20))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(10):
            await client.rpush("signal", "1")
            assert await read == (b"signal", b"1")

    run_scenario(redis_url, scenario)


def test_each_caller_retries_after_a_broken_connection(redis_url: str) -> None:
    async def scenario(client: Any) -> None:
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
        # A command whose reply was lost is repeated, as the ledger's calls can be.
        assert int(await client.get("count")) >= 1000

    run_scenario(redis_url, scenario)


@pytest.mark.parametrize("count", [1, 500])
def test_commands_of_one_coroutine_keep_their_order(redis_url: str, count: int) -> None:
    async def scenario(client: Any) -> None:
        async def write(index: int) -> None:
            for item in ("one", "two", "three"):
                await client.rpush(f"list:{index}", item)

        await asyncio.gather(*(write(index) for index in range(count)))
        lists = await asyncio.gather(*(client.lrange(f"list:{index}", 0, -1) for index in range(count)))
        assert all(replies == [b"one", b"two", b"three"] for replies in lists)

    run_scenario(redis_url, scenario)
