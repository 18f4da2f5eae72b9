"""Holds messages back while Redis refuses calls for reasons that have nothing to do with an image."""

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from shared.redis_client.retry import RedisAccessDenied

log = structlog.get_logger(__name__)

#: Seconds between attempts: the first pause, and the longest.
_FIRST_PAUSE_S: Final = 1.0
_MAX_PAUSE_S: Final = 4.0

#: Access that is denied for this long counts as denied for good. Changing a password or a user takes an operator less.
ACCESS_GRACE_S: Final = 15.0


class Backoff:
    """Pauses that grow while calls fail. Shared by all task threads.

    Args:
        on_access_denied: Called when access has been denied for `ACCESS_GRACE_S`.
        clock: Returns seconds; replaced in tests.
    """

    def __init__(
        self, on_access_denied: Callable[[RedisAccessDenied], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._on_access_denied = on_access_denied
        self._clock = clock
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._pause_s = 0.0
        self._paused_until = 0.0
        self._denied_since: float | None = None

    def wait(self) -> bool:
        """Wait until the pause is over. Returns False if the worker drains."""
        while not self._closed.is_set():
            left_s = self._paused_until - self._clock()
            if left_s <= 0:
                return True
            self._closed.wait(left_s)
        return False

    def report_failure(self, error: Exception) -> None:
        """Begin a pause, unless there is one: calls of several threads fail together."""
        with self._lock:
            now = self._clock()
            if now < self._paused_until:
                return
            if not self._pause_s:
                log.error("a call to Redis is refused, pausing", problem=str(error))
            self._pause_s = min(2 * self._pause_s, _MAX_PAUSE_S) or _FIRST_PAUSE_S
            self._paused_until = now + self._pause_s
            if not isinstance(error, RedisAccessDenied):
                self._denied_since = None
                return
            if self._denied_since is None:
                self._denied_since = now
            if now - self._denied_since < ACCESS_GRACE_S:
                return
        self._on_access_denied(error)

    def report_success(self) -> None:
        """End the pauses. Cheap if there was none."""
        if not self._pause_s:
            return
        with self._lock:
            self._pause_s = self._paused_until = 0.0
            self._denied_since = None
        log.info("calls to Redis are accepted again")

    @property
    def is_closed(self) -> bool:
        """True after `close`."""
        return self._closed.is_set()

    def close(self) -> None:
        """Let all waiting and later callers of `wait` give up."""
        self._closed.set()
