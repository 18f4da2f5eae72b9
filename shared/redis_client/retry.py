"""Retries calls while Redis is unavailable, and logs each outage once. Denied access is raised at once."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from enum import Enum, auto
from itertools import chain, repeat
from typing import Final, TypeVar

import structlog
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ConnectionError,  # noqa: A004 - redis' own, not the builtin
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    TimeoutError,  # noqa: A004 - redis' own, not the builtin
)

from shared.redis_client.client import disconnect_idle, is_write_refused

T = TypeVar("T")

#: Seconds between attempts. The first pauses are short, so that calls continue at once after a restart of Redis.
_FIRST_PAUSES_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
_MAX_PAUSE_S: Final = 1.0

_UNAVAILABLE: Final = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError)
#: In redis-py some of these are subclasses of `ConnectionError`, so they are checked first.
_ACCESS_DENIED: Final = (AuthenticationError, AuthorizationError, NoPermissionError)

log = structlog.get_logger(__name__)


class RedisAccessDenied(Exception):
    """Raised when Redis refuses the user or password, where a retry would not help. The message is one sentence."""


class ShutdownRequested(Exception):
    """Raised by a call that waits for Redis when the process is to stop."""


class ErrorKind(Enum):
    """Kind of an error of Redis, by what the caller can do."""

    #: The user or password is wrong: a person must act.
    ACCESS_DENIED = auto()
    #: Redis cannot be reached, still loads, or cannot write: the call is worth a retry.
    UNAVAILABLE = auto()
    #: Anything else: it belongs to the caller.
    OTHER = auto()


def classify_error(error: RedisError) -> ErrorKind:
    """Return the kind of `error`."""
    if isinstance(error, _ACCESS_DENIED):
        return ErrorKind.ACCESS_DENIED
    if isinstance(error, _UNAVAILABLE) or is_write_refused(error):
        return ErrorKind.UNAVAILABLE
    return ErrorKind.OTHER


class _OutageLog:
    """Logs once that the Redis at `address` is unavailable, and once that it is back. Safe to share between threads."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._since: float | None = None
        self._lock = threading.Lock()

    def on_error(self, error: RedisError) -> None:
        """Return if the call is worth a retry. Raises `RedisAccessDenied`, or `error` itself."""
        kind = classify_error(error)
        if kind is ErrorKind.OTHER:
            raise error
        if kind is ErrorKind.ACCESS_DENIED:
            raise RedisAccessDenied(
                f"Redis at {self._address} refuses the user or password: check REDIS_URL ({error})."
            ) from error
        with self._lock:
            if self._since is None:
                self._since = time.monotonic()
                log.warning("Redis is unavailable, retrying", address=self._address, error=str(error))

    def on_success(self) -> None:
        if self._since is None:
            return
        with self._lock:
            if self._since is not None:
                outage_s = round(time.monotonic() - self._since, 1)
                log.info("Redis is available again", address=self._address, outage_s=outage_s)
                self._since = None


class RedisRetry:
    """Repeats calls while a Redis is unavailable.

    After a time-out the idle connections of the client are closed: the network has probably lost all of them, and each
    would cost another time-out.
    """

    def __init__(self, address: str, stop: threading.Event | None = None, client: "Redis | None" = None) -> None:
        """Create a retry for one Redis.

        Args:
            address: Names the Redis in logs and errors, without its password.
            stop: Once it is set, a waiting call raises `ShutdownRequested`.
            client: The client whose idle connections are closed after a time-out.
        """
        self._outage = _OutageLog(address)
        self._stop = stop or threading.Event()
        self._client = client

    def call(self, action: Callable[[], T]) -> T:
        """Run `action`, again until Redis is available.

        Raises:
            RedisAccessDenied: Redis refuses the user or password.
            ShutdownRequested: `stop` was set while Redis was unavailable.
            Exception: Anything else that `action` raises.
        """
        pauses = _pauses()
        while True:
            try:
                result = action()
            except RedisError as error:
                self._outage.on_error(error)
                if self._client is not None and isinstance(error, TimeoutError):
                    self._client.connection_pool.disconnect(inuse_connections=False)
                if self._stop.wait(next(pauses)):
                    raise ShutdownRequested from error
            else:
                self._outage.on_success()
                return result


class AsyncRedisRetry:
    """`RedisRetry` for coroutines. A waiting call ends when its task is cancelled."""

    def __init__(self, address: str, client: "AsyncRedis | None" = None) -> None:
        """Create a retry for one Redis; for the arguments see `RedisRetry`."""
        self._outage = _OutageLog(address)
        self._client = client

    async def call(self, action: Callable[[], Awaitable[T]]) -> T:
        """Await `action()`, again until Redis is available. Raises what `RedisRetry.call` raises, but for a stop."""
        pauses = _pauses()
        while True:
            try:
                result = await action()
            except RedisError as error:
                self._outage.on_error(error)
                if self._client is not None and isinstance(error, TimeoutError):
                    await disconnect_idle(self._client)
                await asyncio.sleep(next(pauses))
            else:
                self._outage.on_success()
                return result


def _pauses() -> Iterator[float]:
    return chain(_FIRST_PAUSES_S, repeat(_MAX_PAUSE_S))
