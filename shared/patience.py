"""Waiting for a Redis that is away: said once, tried until it is back. One that refuses us is another matter."""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

import structlog
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ConnectionError,  # noqa: A004 - redis' own, not the builtin
    NoPermissionError,
    ReadOnlyError,
    TimeoutError,  # noqa: A004 - redis' own, not the builtin
)

T = TypeVar("T")

_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0

log = structlog.get_logger(__name__)


class StoreRefused(Exception):
    """Raised when Redis answers but does not let us in: waiting would not help. The message is one sentence."""


class Stopped(Exception):
    """Raised out of a wait for Redis when the process is to stop."""


class Patience:
    """Repeats calls while a Redis is away.

    `where` names it to people (never with its password). Once `stop` is set a waiting call raises `Stopped`.
    """

    def __init__(self, where: str, stop: threading.Event | None = None) -> None:
        self._where = where
        self._stop = stop or threading.Event()
        self._away_since: float | None = None
        self._lock = threading.Lock()

    def call(self, action: Callable[[], T]) -> T:
        """Run `action` until Redis answers. Raises `StoreRefused`, `Stopped`, or what else `action` raises."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                result = action()
            except (AuthenticationError, AuthorizationError, NoPermissionError) as error:
                raise StoreRefused(
                    f"Redis at {self._where} refuses the user or password: check REDIS_URL ({error})."
                ) from error
            except (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError) as error:
                self._say_away(error)
                if self._stop.wait(pause):
                    raise Stopped from error
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            else:
                if self._away_since is not None:
                    self._say_back()
                return result

    def _say_away(self, error: Exception) -> None:
        with self._lock:
            if self._away_since is None:
                self._away_since = time.monotonic()
                log.warning("redis is away, waiting for it", where=self._where, error=str(error))

    def _say_back(self) -> None:
        with self._lock:
            if self._away_since is not None:
                log.info("redis is back", where=self._where, away_s=round(time.monotonic() - self._away_since, 1))
                self._away_since = None
