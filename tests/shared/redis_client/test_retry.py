"""Calls are retried while Redis is unavailable; denied access is raised at once."""

import asyncio
import threading
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from local.embedded_valkey import EmbeddedValkey
from shared.redis_client.client import create_async_client, create_client, display_address
from shared.redis_client.retry import (
    AsyncRedisRetry,
    OutageLog,
    RedisAccessDenied,
    RedisRetry,
    ShutdownRequested,
)


def test_retry_survives_a_restart(tmp_path: Path) -> None:
    broker = EmbeddedValkey(tmp_path).start()
    with create_client(broker.url) as client:
        broker.kill()
        back = threading.Timer(0.5, broker.start)
        back.start()
        try:
            assert RedisRetry(display_address(broker.url)).call(client.ping)
        finally:
            back.join()
            broker.stop()


def test_retry_ends_when_the_process_stops(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with create_client(EmbeddedValkey(tmp_path).url) as client, pytest.raises(ShutdownRequested):
        RedisRetry("nowhere", stop).call(client.ping)


def test_retry_raises_at_once_for_a_wrong_password(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path, password="right") as broker:
        for url in (broker.url.replace("right", "wrong"), broker.url.replace(":right@", "")):
            with create_client(url) as client, pytest.raises(RedisAccessDenied, match="REDIS_URL") as refused:
                RedisRetry(display_address(url)).call(client.ping)
            assert "wrong@" not in str(refused.value)


def test_retry_raises_other_errors_at_once(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client, pytest.raises(ResponseError):
        RedisRetry("test").call(lambda: client.execute_command("NOSUCHCOMMAND"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:secret@host:6380/2", "host:6380/2"),
        ("redis://host", "host:6379"),
        ("rediss://:secret@host/0", "host:6379/0"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
    ],
)
def test_display_address_hides_the_password(url: str, shown: str) -> None:
    assert display_address(url) == shown


def test_async_retry_survives_a_restart(tmp_path: Path) -> None:
    broker = EmbeddedValkey(tmp_path).start()

    async def call() -> bool:
        async with create_async_client(broker.url) as client:
            broker.kill()
            back = threading.Timer(0.5, broker.start)
            back.start()
            return await AsyncRedisRetry(display_address(broker.url)).call(lambda: client.get("nothing")) is None

    try:
        assert asyncio.run(call())
    finally:
        broker.stop()


def test_an_outage_is_logged_once_and_each_reason_that_redis_gives_once() -> None:
    log = OutageLog("host:6379/0")
    busy = ResponseError("BUSY Redis is busy running a script.")
    with capture_logs() as lines:
        for error in (RedisConnectionError("refused"), RedisConnectionError("reset"), busy, busy):
            log.on_error(error)
        log.on_success()
        log.on_success()
        log.on_error(busy)
    assert [line.get("error", line["event"]) for line in lines] == [
        "refused",
        "it is busy with a script",
        "Redis is available again",
        "it is busy with a script",
    ]


@pytest.mark.parametrize("error", [NoPermissionError("no permissions to run 'mget'"), AuthenticationError("WRONGPASS")])
def test_denied_access_names_the_setting_of_its_redis(error: RedisError) -> None:
    with pytest.raises(RedisAccessDenied, match="MELANOMA_IMAGE_STORE_URL") as denied:
        OutageLog("host:6379/0", "MELANOMA_IMAGE_STORE_URL").on_error(error)
    assert "REDIS_URL" not in str(denied.value).replace("MELANOMA_IMAGE_STORE_URL", "")
