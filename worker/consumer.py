"""Celery's consumer, sending the events that Flower shows a few times a second and not in every turn of its loop."""

from typing import Any, Final

from celery.worker.consumer import Consumer
from vine import promise

#: Seconds that events wait for more of their kind. Celery publishes them in one message then; at once, each of a
#: task's three events is a message of its own, and costs more than the rest of the task.
_GATHER_S: Final = 0.25


class GatheringConsumer(Consumer):  # type: ignore[misc]
    """Put in place by the setting `worker_consumer`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._flush_planned = False
        self._plan = promise(self._plan_flush)

    def register_with_event_loop(self, hub: Any) -> None:
        """Let the loop show that it turns."""
        super().register_with_event_loop(hub)
        hub.call_repeatedly(1.0, self.app.conf.get("melanoma_tick", lambda: None))

    def on_send_event_buffered(self) -> None:
        """Plan one flush. Called by task threads too, so the timer is set in the loop's own thread."""
        if self.hub and not self._flush_planned:
            self._flush_planned = True
            self.hub.call_soon(self._plan)

    def _plan_flush(self) -> None:
        self.hub.call_later(_GATHER_S, self._flush_gathered)

    def _flush_gathered(self) -> None:
        self._flush_planned = False
        self._flush_events()
