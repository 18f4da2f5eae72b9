"""A Redis that is away is waited for; one that refuses us is not."""

import asyncio
import threading
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from local.embedded_valkey import EmbeddedValkey
from shared.redis_client.client import connect, connect_async, place
from shared.redis_client.retry import AsyncPatience, Patience, Stopped, StoreRefused


def test_a_call_outlives_a_restart(tmp_path: Path) -> None:
    broker = EmbeddedValkey(tmp_path).start()
    with connect(broker.url) as client:
        broker.kill()
        back = threading.Timer(0.5, broker.start)
        back.start()
        try:
            assert Patience(place(broker.url)).call(client.ping)
        finally:
            back.join()
            broker.stop()


def test_waiting_ends_when_the_process_stops(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with connect(EmbeddedValkey(tmp_path).url) as client, pytest.raises(Stopped):
        Patience("nowhere", stop).call(client.ping)


def test_a_wrong_password_is_not_waited_for(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path, password="right") as broker:
        for url in (broker.url.replace("right", "wrong"), broker.url.replace(":right@", "")):
            with connect(url) as client, pytest.raises(StoreRefused, match="REDIS_URL") as refused:
                Patience(place(url)).call(client.ping)
            assert "wrong@" not in str(refused.value)


def test_other_errors_are_the_callers(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client, pytest.raises(ResponseError):
        Patience("test").call(lambda: client.execute_command("NOSUCHCOMMAND"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:secret@host:6380/2", "host:6380/2"),
        ("redis://host", "host:6379"),
        ("rediss://:secret@host/0", "host:6379/0"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
    ],
)
def test_a_place_is_shown_without_its_password(url: str, shown: str) -> None:
    assert place(url) == shown


def test_coroutines_outlive_a_restart_too(tmp_path: Path) -> None:
    broker = EmbeddedValkey(tmp_path).start()

    async def call() -> bool:
        async with connect_async(broker.url) as client:
            broker.kill()
            back = threading.Timer(0.5, broker.start)
            back.start()
            return await AsyncPatience(place(broker.url)).call(lambda: client.get("nothing")) is None

    try:
        assert asyncio.run(call())
    finally:
        broker.stop()
