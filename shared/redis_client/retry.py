"""Retries calls while Redis is unavailable, and logs each outage once. Denied access is raised at once."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import chain, repeat
from typing import Final, TypeVar

import structlog
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import NoPermissionError, RedisError

from shared.redis_client.client import disconnect_idle
from shared.redis_client.errors import (
    ErrorKind,
    classify_error,
    describe_error,
    describe_refusal,
    makes_connections_useless,
)

T = TypeVar("T")

#: Seconds between attempts. The first pauses are short, so that calls continue at once after a restart of Redis.
_FIRST_PAUSES_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
_MAX_PAUSE_S: Final = 1.0

_OUTAGE_EVENTS: Final = ("Redis is unavailable, retrying", "Redis is available again")

log = structlog.get_logger(__name__)


class RedisAccessDenied(Exception):
    """Raised when Redis refuses the user, the password or what the user may do, where a retry would not help.

    The message is one sentence and names the setting.
    """


class ShutdownRequested(Exception):
    """Raised by a call that waits for Redis when the process is to stop waiting. The message says what Redis lacks."""


def unavailable(address: str, setting: str, error: RedisError) -> str:
    """Return in one sentence why the Redis at `address`, which `setting` names, does not serve."""
    if refusal := describe_refusal(error):
        return f"Redis at {address} ({setting}) answers, but refuses the call for now: {refusal}."
    return f"Redis at {address} does not answer ({describe_error(error)}): is it running, and is {setting} its address?"


def access_denied(address: str, setting: str, error: RedisError) -> RedisAccessDenied:
    """Return the error of a Redis at `address`, which `setting` names, that has refused a call with `error`."""
    if isinstance(error, NoPermissionError):
        return RedisAccessDenied(
            f"Redis at {address} does not allow the user of {setting} what the service needs ({describe_error(error)})."
        )
    return RedisAccessDenied(
        f"Redis at {address} refuses the user or password: check {setting} ({describe_error(error)})."
    )


class OutageLog:
    """Logs once that a Redis is unavailable, and once that it is back. Safe to share between threads.

    If Redis itself gives a reason later, such as that it has too many clients, that is logged once, too.
    """

    def __init__(self, address: str, setting: str = "REDIS_URL", events: tuple[str, str] = _OUTAGE_EVENTS) -> None:
        """Create a log of one Redis.

        Args:
            address: Names the Redis in logs and errors, without its password.
            setting: The setting with this address.
            events: What the log says at the begin and at the end of an outage.
        """
        self._address = address
        self._setting = setting
        self._begin_event, self._end_event = events
        self._since: float | None = None
        self._reasons: set[str] = set()
        self._lock = threading.Lock()

    def on_error(self, error: RedisError) -> None:
        """Return if the call is worth a retry. Raises `RedisAccessDenied`, or `error` itself."""
        kind = classify_error(error)
        if kind is ErrorKind.OTHER:
            raise error
        if kind is ErrorKind.ACCESS_DENIED:
            raise access_denied(self._address, self._setting, error) from error
        refusal = describe_refusal(error)
        with self._lock:
            if self._since is not None and (refusal is None or refusal in self._reasons):
                return
            self._since = self._since or time.monotonic()
            self._reasons.add(refusal or "")
        log.warning(self._begin_event, address=self._address, error=describe_error(error))

    def on_success(self) -> None:
        """Say that an outage is over, if there was one."""
        if self._since is None:
            return
        with self._lock:
            if self._since is not None:
                outage_s = round(time.monotonic() - self._since, 1)
                log.info(self._end_event, address=self._address, outage_s=outage_s)
                self._since = None
                self._reasons.clear()


class RedisRetry:
    """Repeats calls while a Redis is unavailable.

    After a time-out or a failover the idle connections of the client are closed: they probably lead nowhere, or to the
    former master, and each would cost another error.
    """

    def __init__(
        self,
        address: str,
        stop: threading.Event | None = None,
        client: "Redis | None" = None,
        *,
        setting: str = "REDIS_URL",
    ) -> None:
        """Create a retry for one Redis.

        Args:
            address: Names the Redis in logs and errors, without its password.
            stop: Once it is set, a waiting call raises `ShutdownRequested`.
            client: The client whose idle connections are closed.
            setting: The setting with this address.
        """
        self._address = address
        self._setting = setting
        self._outage = OutageLog(address, setting)
        self._stop = stop or threading.Event()
        self._client = client

    def call(self, action: Callable[[], T]) -> T:
        """Run `action`, again until Redis is available.

        Raises:
            RedisAccessDenied: Redis refuses the user, the password or the call for want of a right.
            ShutdownRequested: `stop` was set while Redis was unavailable.
            Exception: Anything else that `action` raises.
        """
        pauses = retry_pauses()
        while True:
            try:
                result = action()
            except RedisError as error:
                self._outage.on_error(error)
                if self._client is not None and makes_connections_useless(error):
                    self._client.connection_pool.disconnect(inuse_connections=False)
                if self._stop.wait(next(pauses)):
                    raise ShutdownRequested(unavailable(self._address, self._setting, error)) from error
            else:
                self._outage.on_success()
                return result


class AsyncRedisRetry:
    """`RedisRetry` for coroutines. A waiting call ends when its task is cancelled."""

    def __init__(self, address: str, client: "AsyncRedis | None" = None, *, setting: str = "REDIS_URL") -> None:
        """Create a retry for one Redis; for the arguments see `RedisRetry`."""
        self._outage = OutageLog(address, setting)
        self._client = client

    async def call(self, action: Callable[[], Awaitable[T]]) -> T:
        """Await `action()`, again until Redis is available. Raises what `RedisRetry.call` raises, but for a stop."""
        pauses = retry_pauses()
        while True:
            try:
                result = await action()
            except RedisError as error:
                self._outage.on_error(error)
                if self._client is not None and makes_connections_useless(error):
                    await disconnect_idle(self._client)
                await asyncio.sleep(next(pauses))
            else:
                self._outage.on_success()
                return result


def retry_pauses() -> Iterator[float]:
    """Return the seconds to wait after each failed attempt."""
    return chain(_FIRST_PAUSES_S, repeat(_MAX_PAUSE_S))
