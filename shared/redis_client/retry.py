"""Waiting for a Redis that is away: said once, tried until it is back. One that refuses us is another matter."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
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
    ResponseError,
    TimeoutError,  # noqa: A004 - redis' own, not the builtin
)

from shared.redis_client.client import disconnect_idle, is_write_refused

T = TypeVar("T")

#: Seconds between tries: short first, so that a server that only restarts is found at once.
_FIRST_PAUSES_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
_LONGEST_PAUSE_S: Final = 1.0

_AWAY: Final = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError)
_REFUSING: Final = (AuthenticationError, AuthorizationError, NoPermissionError)

log = structlog.get_logger(__name__)


class RedisAccessDenied(Exception):
    """Raised when Redis answers but does not let us in: waiting would not help. The message is one sentence."""


class ShutdownRequested(Exception):
    """Raised out of a wait for Redis when the process is to stop."""


class _OutageLog:
    """Says once that the Redis at `where` is away, and once that it is back. Safe to share between threads."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._since: float | None = None
        self._lock = threading.Lock()

    def begins(self, error: Exception) -> None:
        with self._lock:
            if self._since is None:
                self._since = time.monotonic()
                log.warning("redis is away, waiting for it", where=self._where, error=str(error))

    def ends(self) -> None:
        if self._since is None:
            return
        with self._lock:
            if self._since is not None:
                log.info("redis is back", where=self._where, away_s=round(time.monotonic() - self._since, 1))
                self._since = None

    def refusal(self, error: Exception) -> RedisAccessDenied:
        return RedisAccessDenied(f"Redis at {self._where} refuses the user or password: check REDIS_URL ({error}).")


class RedisRetry:
    """Repeats calls while a Redis is away.

    `where` names it to people (never with its password). Once `stop` is set a waiting call raises `ShutdownRequested`. After a
    time-out the idle connections of `client` are dropped: where the network forgot one, it forgot all, and each would
    cost a time-out of its own.
    """

    def __init__(self, address: str, stop: threading.Event | None = None, client: "Redis | None" = None) -> None:
        self._absence = _OutageLog(address)
        self._stop = stop or threading.Event()
        self._client = client

    def call(self, action: Callable[[], T]) -> T:
        """Run `action` until Redis answers. Raises `RedisAccessDenied`, `ShutdownRequested`, or what else `action` raises."""
        pauses = _pauses()
        while True:
            try:
                result = action()
            except _REFUSING as error:
                raise self._absence.refusal(error) from error
            except (*_AWAY, ResponseError) as error:
                if not (isinstance(error, _AWAY) or is_write_refused(error)):
                    raise
                self._absence.begins(error)
                if self._client is not None and isinstance(error, TimeoutError):
                    self._client.connection_pool.disconnect(inuse_connections=False)
                if self._stop.wait(next(pauses)):
                    raise ShutdownRequested from error
            else:
                self._absence.ends()
                return result


class AsyncRedisRetry:
    """The same for coroutines, which end a wait by being cancelled."""

    def __init__(self, address: str, client: "AsyncRedis | None" = None) -> None:
        self._absence = _OutageLog(address)
        self._client = client

    async def call(self, action: Callable[[], Awaitable[T]]) -> T:
        """Await `action()` until Redis answers. Raises `RedisAccessDenied`, or what else `action` raises."""
        pauses = _pauses()
        while True:
            try:
                result = await action()
            except _REFUSING as error:
                raise self._absence.refusal(error) from error
            except (*_AWAY, ResponseError) as error:
                if not (isinstance(error, _AWAY) or is_write_refused(error)):
                    raise
                self._absence.begins(error)
                if self._client is not None and isinstance(error, TimeoutError):
                    await disconnect_idle(self._client)
                await asyncio.sleep(next(pauses))
            else:
                self._absence.ends()
                return result


def _pauses() -> Iterator[float]:
    return chain(_FIRST_PAUSES_S, repeat(_LONGEST_PAUSE_S))
