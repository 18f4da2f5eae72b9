"""The Celery task. All that it does is in `worker.service`."""

from typing import Any, Final

from celery import Celery, Task

from shared.contract.names import CLASSIFY_TASK, Queue
from worker.intake import Intake
from worker.service import Service

_FAILURE: Final = "failure"


class DeadLetterError(Exception):
    """Raised by a task some of whose pictures could not be decided: Flower shows it as FAILURE."""


def register(app: Celery, service: Service, intake: Intake) -> None:
    """Make `app` run the task with `service`, counted by `intake`."""

    @app.task(name=CLASSIFY_TASK, bind=True, throws=(DeadLetterError,))
    def classify(self: "Task[Any, Any]", ids: list[str]) -> dict[str, int]:
        """Ring for the jobs `ids`; returns the counts of `Service.classify`."""
        with intake.hold(Queue(self.request.delivery_info["routing_key"])):
            counts = service.classify(ids, token=self.request.id)
        if counts.get(_FAILURE):
            raise DeadLetterError(counts)
        return counts
