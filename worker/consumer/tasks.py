"""The Celery task. `worker.consumer.task_handler` does its work."""

from typing import Any, Final

from celery import Celery, Task

from shared.contract.names import CLASSIFY_TASK, Queue
from shared.ledger.records import TaskMessage
from worker.consumer.task_handler import UNDECIDED, TaskHandler
from worker.consumer.task_slots import TaskSlots
from worker.consumer.throughput import ThroughputEstimator

_FAILURE: Final = "failure"


class DeadLetterError(Exception):
    """Raised by a task that could not decide some of its images. Flower shows it as FAILURE."""


def register_tasks(
    app: Celery, task_handler: TaskHandler, task_slots: TaskSlots, throughput: ThroughputEstimator
) -> None:
    """Register the task with `app`: `task_handler` runs it, `task_slots` and `throughput` count it."""

    @app.task(name=CLASSIFY_TASK, bind=True, throws=(DeadLetterError,))
    def classify(self: "Task[Any, Any]", ids: list[str]) -> dict[str, int]:
        """Decide the jobs `ids` and others that wait. Returns the counts of `TaskHandler.classify`."""
        message = TaskMessage(self.request.id, Queue(self.request.delivery_info["routing_key"]), ids)
        with task_slots.occupy(message.queue) as on_started:
            counts = task_handler.classify(message, on_started)
        throughput.record(sum(count for name, count in counts.items() if name not in UNDECIDED))
        if counts.get(_FAILURE):
            raise DeadLetterError(counts)
        return counts
