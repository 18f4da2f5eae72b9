"""Celery's consumer with two changes.

A few times a second it sends the events that Flower shows; Celery sends them in every turn of its event loop. While
Redis is unavailable it tries to reconnect every few seconds; Celery's pauses would grow to half a minute.
"""

from functools import partial
from typing import Any, Final

from celery.worker.consumer import Consumer
from vine import promise

#: Seconds that events wait for more of their kind, so that Celery publishes them in one message. Without the delay,
#: each of a task's three events is a message of its own, and that costs more than the rest of the task.
_FLUSH_DELAY_S: Final = 0.25

#: Pauses between attempts to connect, in seconds: the first, the increase and the maximum.
_RETRY_POLICY: Final = {"interval_start": 1, "interval_step": 1, "interval_max": 3}


class EventBatchingConsumer(Consumer):  # type: ignore[misc]
    """Passed to Celery's worker as `consumer_cls`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._is_flush_scheduled = False
        self._schedule_promise = promise(self._schedule_flush)

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, retrying until it works."""
        conn.ensure_connection = partial(conn.ensure_connection, **_RETRY_POLICY)
        return super().ensure_connected(conn)

    def register_with_event_loop(self, hub: Any) -> None:
        """Also call the worker's callback once a second: it records that the event loop turns."""
        super().register_with_event_loop(hub)
        hub.call_repeatedly(1.0, self.app.conf.get("melanoma_event_loop_callback", lambda: None))

    def on_send_event_buffered(self) -> None:
        """Schedule one flush. Task threads call this, too, so the timer is set in the event loop's own thread."""
        if self.hub and not self._is_flush_scheduled:
            self._is_flush_scheduled = True
            self.hub.call_soon(self._schedule_promise)

    def _schedule_flush(self) -> None:
        self.hub.call_later(_FLUSH_DELAY_S, self._flush_buffered)

    def _flush_buffered(self) -> None:
        self._is_flush_scheduled = False
        self._flush_events()
