"""The predict thread: takes the batch that pays, runs it, and never dies of one."""

import threading
import time
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from runtimes.base import PredictionBatch, Predictor
from shared.contract.decision import Failure, FailureReason
from shared.contract.names import Queue
from worker.batching.batch_cost import BatchCostModel
from worker.batching.priority_queue import PriorityQueue
from worker.batching.work_item import Prediction, WorkItem
from worker.telemetry.metrics import METRICS

log = structlog.get_logger(__name__)

#: Repeats of each size when warming: the first is slow for its own reasons, the best of the others is the cost.
_WARM_REPEATS: Final = 4

#: For so long after an interactive picture others are expected, and bulk batches stay small. Seconds.
_HASTE_S: Final = 5.0


class PredictStage:
    """Work-conserving: an idle device takes what is there at once, a busy one lets the next batch gather."""

    def __init__(self, predictor: Predictor, *, size: int, largest: int) -> None:
        self._predictor = predictor
        self._size = size
        self._largest = largest
        self._cost = BatchCostModel(largest)
        self._waiting: PriorityQueue[WorkItem] = PriorityQueue()
        self._haste_until = 0.0
        self._since: float | None = None
        self._thread = threading.Thread(target=self._run, name="predict", daemon=True)

    def warm(self) -> None:
        """Run every size once and learn what it costs, before the first picture waits for it."""
        sizes = [1]
        while sizes[-1] < self._largest:
            sizes.append(min(sizes[-1] * 2, self._largest))
        for size in sizes:
            images = np.zeros((size, self._size, self._size, 3), np.uint8)
            seconds = []
            for _ in range(_WARM_REPEATS):
                started = time.perf_counter()
                self._predictor.predict(images)
                seconds.append(time.perf_counter() - started)
            self._cost.observe(size, min(seconds[1:]))

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def images_per_second(self) -> float:
        """Pictures a second that the device can predict."""
        return self._cost.images_per_second()

    def set_max_batch_size(self, largest: int) -> None:
        """Let no batch be larger than `largest`, or than those that were warmed."""
        self._cost.set_max_size(min(largest, self._largest))

    def put(self, image: WorkItem) -> bool:
        """Queue a decoded picture, or return False where the stage is stopping."""
        if image.job.queue is Queue.INTERACTIVE:
            self._haste_until = time.monotonic() + _HASTE_S
        return self._waiting.put(image.job.queue, image)

    def close(self) -> list[WorkItem]:
        """Take no more; returns those that were in no batch. The batch in hand is finished."""
        return self._waiting.close()

    def join(self) -> None:
        """Wait for the batch in hand after `close`."""
        self._thread.join()

    def __len__(self) -> int:
        """How many pictures wait for a batch."""
        return len(self._waiting)

    def batch_age_s(self) -> float:
        """For how many seconds it has had the batch in hand; 0 where there is none."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def _run(self) -> None:
        while batch := self._waiting.take(self._how_many):
            self._since = time.monotonic()
            self._predict(batch)
            self._since = None

    def _how_many(self, waiting: int) -> int:
        return self._cost.choose_size(waiting, low_latency=time.monotonic() < self._haste_until)

    def _predict(self, batch: list[WorkItem]) -> None:
        started = time.monotonic()
        try:
            predictions = self._predictor.predict(_stack(batch))
        except Exception:
            log.exception("predict failed", batch=len(batch))
            self._one_by_one(batch)
            return
        seconds = time.monotonic() - started
        self._cost.observe(len(batch), seconds)
        METRICS.batch.observe(len(batch))
        METRICS.predict.observe(seconds)
        _hand_out(batch, predictions, started, seconds)

    def _one_by_one(self, batch: list[WorkItem]) -> None:
        """Find out which picture it was: each alone, and only those that fail alone get a failure."""
        for image in batch:
            started = time.monotonic()
            try:
                predictions = self._predictor.predict(_stack([image]))
            except Exception as error:
                log.exception("predict failed for one picture", job=image.job.id)
                image.finish(Failure(reason=FailureReason.PREDICT_FAILED, detail=type(error).__name__))
            else:
                _hand_out([image], predictions, started, time.monotonic() - started)


def _stack(batch: list[WorkItem]) -> NDArray[np.uint8]:
    return np.stack([image.pixels for image in batch if image.pixels is not None])


def _hand_out(batch: list[WorkItem], predictions: PredictionBatch, started: float, seconds: float) -> None:
    for row, image in enumerate(batch):
        wait = max(0.0, started - image.entered - image.decode_s)
        METRICS.pipeline_wait.labels(queue=image.job.queue).observe(wait)
        image.finish(
            Prediction(
                probabilities=predictions.probabilities[row],
                evidence=predictions.evidence[row],
                distance=float(predictions.distance[row]),
                kinds=predictions.kinds[row],
                batch=len(batch),
                wait_s=wait,
                predict_s=seconds,
            )
        )
