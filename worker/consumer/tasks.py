"""The Celery task. All that it does is in `worker.consumer.task_handler`."""

from typing import Any, Final

from celery import Celery, Task

from shared.contract.names import CLASSIFY_TASK, Queue
from worker.consumer.task_handler import UNDECIDED, Service
from worker.consumer.task_slots import Intake
from worker.consumer.throughput import Pace

_FAILURE: Final = "failure"


class DeadLetterError(Exception):
    """Raised by a task some of whose pictures could not be decided: Flower shows it as FAILURE."""


def register(app: Celery, service: Service, intake: Intake, pace: Pace) -> None:
    """Make `app` run the task with `service`, counted by `intake` and `pace`."""

    @app.task(name=CLASSIFY_TASK, bind=True, throws=(DeadLetterError,))
    def classify(self: "Task[Any, Any]", ids: list[str]) -> dict[str, int]:
        """Ring for the jobs `ids`; returns the counts of `Service.classify`."""
        with intake.hold(Queue(self.request.delivery_info["routing_key"])):
            counts = service.classify(ids, token=self.request.id)
        pace.decided(sum(count for name, count in counts.items() if name not in UNDECIDED))
        if counts.get(_FAILURE):
            raise DeadLetterError(counts)
        return counts
