"""Each error of Redis has one kind, whichever client meets it, and a description without the client's internals."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ExecAbortError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.sentinel import MasterNotFoundError

from shared.redis_client.client import create_async_client, create_client
from shared.redis_client.errors import ErrorKind, classify_error, describe_error
from shared.redis_client.retry import AsyncRedisRetry, RedisRetry, ShutdownRequested
from tests.shared.redis_client.refusals import WRITE_REFUSALS, RefusingValkey

SCRIPT = "#!lua\nreturn redis.call('INCR', KEYS[1])"


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RefusingValkey]:
    with RefusingValkey(tmp_path_factory.mktemp("refusing")) as server:
        yield server


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RedisConnectionError("refused"), ErrorKind.UNAVAILABLE),
        (RedisConnectionError("max number of clients reached"), ErrorKind.UNAVAILABLE),
        (ResponseError("ERR max number of clients + cluster connections reached"), ErrorKind.UNAVAILABLE),
        (RedisTimeoutError("no reply"), ErrorKind.UNAVAILABLE),
        (BusyLoadingError("loading"), ErrorKind.UNAVAILABLE),
        (ReadOnlyError("You can't write against a read only replica."), ErrorKind.UNAVAILABLE),
        (MasterDownError("Link with MASTER is down"), ErrorKind.UNAVAILABLE),
        (ClusterDownError("The cluster is down"), ErrorKind.UNAVAILABLE),
        (ResponseError("MISCONF the disk is full"), ErrorKind.UNAVAILABLE),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), ErrorKind.UNAVAILABLE),
        (ResponseError("UNBLOCKED force unblock from blocking operation"), ErrorKind.UNAVAILABLE),
        (ResponseError("BUSY Redis is busy running a script."), ErrorKind.UNAVAILABLE),
        (
            ResponseError("Command # 1 (SET caused error: OOM) of pipeline caused error: NOREPLICAS Not enough"),
            ErrorKind.UNAVAILABLE,
        ),
        (ExecAbortError("Transaction discarded because of: MISCONF Errors writing"), ErrorKind.UNAVAILABLE),
        (AuthenticationError("WRONGPASS"), ErrorKind.ACCESS_DENIED),
        (AuthenticationWrongNumberOfArgsError("wrong number"), ErrorKind.ACCESS_DENIED),
        (AuthorizationError("NOAUTH"), ErrorKind.ACCESS_DENIED),
        (NoPermissionError("NOPERM"), ErrorKind.ACCESS_DENIED),
        (ResponseError("DENIED Redis is running in protected mode"), ErrorKind.ACCESS_DENIED),
        (ResponseError("ERR unknown command"), ErrorKind.OTHER),
        (ResponseError("BUSYKEY Target key name already exists."), ErrorKind.OTHER),
        (ResponseError("Command # 1 (SET a READONLY) of pipeline caused error: ERR syntax error"), ErrorKind.OTHER),
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), ErrorKind.OTHER),
    ],
)
def test_classify_error_tells_what_a_caller_can_do(error: RedisError, kind: ErrorKind) -> None:
    assert classify_error(error) is kind


@pytest.mark.parametrize("reason", WRITE_REFUSALS)
def test_retry_waits_until_redis_takes_writes_again(refusing: RefusingValkey, reason: str) -> None:
    attempts = 0
    with refusing.refuse(reason) as end, create_client(refusing.url) as client:
        increment = client.register_script(SCRIPT)

        def write() -> None:
            nonlocal attempts
            attempts += 1
            if attempts == 3:
                end()
            with client.pipeline(transaction=attempts % 2 == 0) as pipeline:
                pipeline.set("plain", 1)
                pipeline.execute()
            increment(keys=["count"])

        RedisRetry("test").call(write)
        assert attempts == 3


@pytest.mark.parametrize("reason", WRITE_REFUSALS)
def test_async_retry_waits_until_redis_takes_writes_again(refusing: RefusingValkey, reason: str) -> None:
    attempts = 0

    async def run() -> None:
        async with create_async_client(refusing.url) as client:
            increment = client.register_script(SCRIPT)

            async def write() -> None:
                nonlocal attempts
                attempts += 1
                if attempts == 3:
                    end()
                # Two commands at once share a pipeline.
                commands: list[Any] = [increment(keys=["count"]), client.set("plain", 1)]
                await asyncio.gather(*commands)

            await AsyncRedisRetry("test", client).call(write)

    with refusing.refuse(reason) as end:
        asyncio.run(run())
    assert attempts == 3


def test_retry_waits_for_a_place_among_the_clients(refusing: RefusingValkey) -> None:
    errors: list[str] = []
    with create_client(refusing.url) as client, refusing.refuse("max_clients") as end:

        def write() -> None:
            try:
                client.set("plain", 1)
            except RedisError as error:
                errors.append(describe_error(error))
                if len(errors) == 2:
                    end()
                raise

        RedisRetry("test").call(write)
    assert len(errors) == 2
    assert "it has as many clients as its maxclients allows" in errors


def test_a_blocking_read_goes_on_after_a_demotion(refusing: RefusingValkey) -> None:
    errors: list[str] = []
    is_promoted = threading.Event()

    def demote() -> None:
        while not refusing.operator.info("clients")["blocked_clients"]:
            time.sleep(0.005)
        with refusing.refuse("readonly"):
            pass
        refusing.operator.lpush("signal", "late")
        is_promoted.set()

    with create_client(refusing.url) as client:

        def read() -> Any:
            try:
                return client.blpop(["signal"], timeout=5)
            except RedisError as error:
                errors.append(describe_error(error))
                is_promoted.wait(10)
                raise

        demotion = threading.Thread(target=demote)
        demotion.start()
        assert RedisRetry("test", client=client).call(read) == (b"signal", b"late")
        demotion.join()
    assert errors == ["it has just become a replica"]


def test_retry_ends_a_wait_for_replicas_when_the_process_stops(refusing: RefusingValkey) -> None:
    stop = threading.Event()
    stop.set()
    with refusing.refuse("noreplicas"), create_client(refusing.url) as client, pytest.raises(ShutdownRequested):
        RedisRetry("test", stop).call(lambda: client.set("plain", 1))


def test_description_names_no_internals_of_the_client() -> None:
    error = MasterNotFoundError("No master found for 'melanoma' : Redis<redis.sentinel...>" + " ConnectionError" * 50)
    assert describe_error(error) == "no Sentinel names a master that answers"
    assert len(describe_error(ResponseError("ERR " + "x" * 900))) < 250
