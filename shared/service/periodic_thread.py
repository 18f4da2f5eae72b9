"""A thread that does something every second for as long as the process lives."""

import threading
from collections.abc import Callable

import structlog

from shared.redis_client.retry import RedisAccessDenied, ShutdownRequested

log = structlog.get_logger(__name__)


class PeriodicThread:
    """Calls `action` every `interval_s` until `stop`. An error is logged, and the thread continues: nobody restarts it.

    `ShutdownRequested` from `action` does not end the thread. It means that the process no longer waits for Redis: a
    worker that drains still needs its heartbeat.
    """

    def __init__(self, name: str, action: Callable[[], object], *, interval_s: float = 1.0) -> None:
        self._name = name
        self._action = action
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread. The first call follows after `interval_s`."""
        self._thread.start()

    def stop(self) -> None:
        """Call `action` no more. A call in progress is not waited for."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait for a call in progress after `stop`, at most `timeout_s`."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            try:
                self._action()
            except ShutdownRequested:
                continue
            except RedisAccessDenied as error:
                log.error("periodic work failed, retrying", thread=self._name, problem=str(error))  # noqa: TRY400
            except Exception:
                log.exception("periodic work failed, retrying", thread=self._name)
