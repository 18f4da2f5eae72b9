"""Celery's consumer with two changes.

A few times a second it sends the events that Flower shows; Celery sends them in every turn of its event loop.

While Redis is unavailable, full of clients, or refuses to deliver messages, the consumer says so once and connects
again within a second or two. Celery's pauses would grow to half a minute, or be none where the connection succeeds and
the first command fails, and each attempt would be logged.
"""

import logging
import time
import warnings
from typing import Any, Final

import structlog
from celery.exceptions import CPendingDeprecationWarning, WorkerShutdown
from celery.signals import worker_shutting_down
from celery.worker.consumer import Consumer
from celery.worker.consumer.consumer import CONNECTION_RETRY
from celery.worker.state import maybe_shutdown
from redis.exceptions import RedisError
from vine import promise

from shared.redis_client.retry import OutageLog, RedisAccessDenied, retry_pauses
from worker.exit_codes import EXIT_MISCONFIGURED

log = structlog.get_logger(__name__)

#: Seconds that events wait for more of their kind, so that Celery publishes them in one message. Without the delay,
#: each of a task's three events is a message of its own, and that costs more than the rest of the task.
_FLUSH_DELAY_S: Final = 0.25

_OUTAGE_EVENTS: Final = ("no messages can be fetched from Redis, retrying", "messages are fetched from Redis again")

#: Access that is denied for so long counts as denied for good. An operator who changes a password takes less. Seconds.
_ACCESS_GRACE_S: Final = 15.0


class EventBatchingConsumer(Consumer):  # type: ignore[misc]
    """Passed to Celery's worker as `consumer_cls`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._is_flush_scheduled = False
        self._schedule_promise = promise(self._schedule_flush)
        self._outage = OutageLog(self.app.conf.melanoma_redis_address, events=_OUTAGE_EVENTS)
        self._pauses = retry_pauses()
        self._denied_since: float | None = None
        logging.getLogger("celery.worker.consumer.consumer").addFilter(_is_not_about_redis)

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, retrying until it works."""
        while True:
            maybe_shutdown()
            try:
                conn.ensure_connection(max_retries=0, reraise_as_library_errors=False)
            except RedisError as error:
                self._wait_after(error)
            else:
                self.first_connection_attempt = False
                return conn

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Close the connection. `ensure_connected` is next."""
        with warnings.catch_warnings():
            # Celery advertises a setting that `shared.broker.app` has set.
            warnings.simplefilter("ignore", CPendingDeprecationWarning)
            super().on_connection_error_after_connected(exc)
        if isinstance(exc, RedisError):
            self._wait_after(exc)

    def register_with_event_loop(self, hub: Any) -> None:
        """Also note once a second that the event loop turns."""
        super().register_with_event_loop(hub)
        hub.call_repeatedly(1.0, self._on_turning)

    def on_send_event_buffered(self) -> None:
        """Schedule one flush. Task threads call this, too, so the timer is set in the event loop's own thread."""
        if self.hub and not self._is_flush_scheduled:
            self._is_flush_scheduled = True
            self.hub.call_soon(self._schedule_promise)

    def _wait_after(self, error: RedisError) -> None:
        try:
            self._outage.on_error(error)
            self._denied_since = None
        except RedisAccessDenied as denied:
            self._on_access_denied(denied)
        time.sleep(next(self._pauses))
        # A consumer that waits for Redis does not hang.
        self._note_turn()

    def _on_access_denied(self, denied: RedisAccessDenied) -> None:
        if self._denied_since is None:
            self._denied_since = time.monotonic()
            log.error("no messages can be fetched from Redis, retrying", problem=str(denied))
        elif time.monotonic() - self._denied_since > _ACCESS_GRACE_S:
            log.error("stopping, because Redis denies access", problem=str(denied))
            worker_shutting_down.send(sender=self.hostname, sig="SIGTERM", how="Warm", exitcode=EXIT_MISCONFIGURED)
            raise WorkerShutdown(EXIT_MISCONFIGURED) from denied

    def _on_turning(self) -> None:
        self._outage.on_success()
        self._pauses = retry_pauses()
        self._denied_since = None
        self._note_turn()

    def _note_turn(self) -> None:
        self.app.conf.get("melanoma_event_loop_callback", lambda: None)()

    def _schedule_flush(self) -> None:
        self.hub.call_later(_FLUSH_DELAY_S, self._flush_buffered)

    def _flush_buffered(self) -> None:
        self._is_flush_scheduled = False
        self._flush_events()


def _is_not_about_redis(record: logging.LogRecord) -> bool:
    """Return False for Celery's log records about a lost connection to Redis: `ensure_connected` logs the outage."""
    arguments = record.args
    return not (isinstance(arguments, tuple) and arguments[:1] == (CONNECTION_RETRY,))
