"""The predict thread: takes batches of the cheapest size and survives a batch that fails, but not a broken device."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from runtimes.base import PredictionBatch, Predictor
from shared.contract.decision import Failure, FailureReason
from shared.contract.names import Queue
from worker.batching.batch_cost import BatchCostModel
from worker.batching.prediction_check import DeviceFault, find_device_fault, find_valid_rows, make_test_images
from worker.batching.priority_queue import PriorityQueue
from worker.batching.work_item import Prediction, Released, WorkItem
from worker.telemetry.metrics import METRICS

log = structlog.get_logger(__name__)

#: An item to which the model has no answer, and why.
FailedItem = tuple[WorkItem, str]

#: Runs of each size during the warm-up. The first run is slower and does not count; the cost is that of the fastest.
_WARM_UP_REPEATS: Final = 4

#: Low-latency mode lasts this long after an interactive image. More of them are expected, so bulk batches stay small.
_LOW_LATENCY_S: Final = 5.0


class PredictStage:
    """Work-conserving: an idle device starts at once with the waiting images; meanwhile the next batch gathers.

    Args:
        predictor: Runs the model.
        image_size: Side of the model's input in pixels.
        max_batch_size: Maximum batch size that is warmed up and used.
        on_device_fault: Called if the device answers no image any more, before the images are released. It must see to
            it that this worker takes no more.

    Attributes:
        cost_model: Learns the cost of each batch size.
    """

    def __init__(
        self,
        predictor: Predictor,
        *,
        image_size: int,
        max_batch_size: int,
        on_device_fault: Callable[[DeviceFault], None],
    ) -> None:
        self._predictor = predictor
        self._on_device_fault = on_device_fault
        self._image_size = image_size
        self._warmed_batch_size = min(max_batch_size, getattr(predictor, "max_useful_batch", max_batch_size))
        self.cost_model = BatchCostModel(self._warmed_batch_size)
        self._queue: PriorityQueue[WorkItem] = PriorityQueue()
        self._low_latency_until = 0.0
        self._batch_started_at: float | None = None
        self._batch: list[WorkItem] = []
        self._thread = threading.Thread(target=self._run, name="predict", daemon=True)

    def warm_up(self) -> None:
        """Run batches of 1, 2, 4 ... images and measure their cost, before the first image waits for it.

        Raises:
            ValueError: The model's output for a test image is not finite or out of range.
            Exception: Anything else that the predictor raises.
        """
        sizes = [1]
        while sizes[-1] < self._warmed_batch_size:
            sizes.append(min(sizes[-1] * 2, self._warmed_batch_size))
        for size in sizes:
            images = make_test_images(size, self._image_size)
            seconds = []
            for _ in range(_WARM_UP_REPEATS):
                started = time.perf_counter()
                predictions = self._predictor.predict(images)
                seconds.append(time.perf_counter() - started)
            if not find_valid_rows(predictions).all():
                raise ValueError(f"the model's output is not finite or out of range for {size} test images")
            self.cost_model.observe(size, min(seconds[1:]))

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def set_max_batch_size(self, max_batch_size: int) -> None:
        """Limit the batch size to `max_batch_size`, and to the sizes that were warmed up."""
        self.cost_model.set_max_size(min(max_batch_size, self._warmed_batch_size))

    def put(self, item: WorkItem) -> bool:
        """Queue a decoded item. Returns False if the stage is closed."""
        if item.job.queue is Queue.INTERACTIVE:
            self._low_latency_until = time.monotonic() + _LOW_LATENCY_S
        return self._queue.put(item.job.queue, item)

    def close(self) -> list[WorkItem]:
        """Accept no more items. Returns those that are in no batch; the batch in flight will be finished."""
        return self._queue.close()

    def join(self) -> None:
        """Wait for the batch in flight after `close`."""
        self._thread.join()

    def count(self, queue: Queue) -> int:
        """Return the number of images of `queue` that wait or are in the batch in flight."""
        batch = self._batch  # all of one queue
        return self._queue.count(queue) + (len(batch) if batch and batch[0].job.queue is queue else 0)

    def batch_age_s(self) -> float:
        """Return the seconds since the batch in flight was taken, 0 if there is none."""
        since = self._batch_started_at
        return 0.0 if since is None else time.monotonic() - since

    def _run(self) -> None:
        while batch := self._queue.take(self._choose_batch_size):
            self._batch, self._batch_started_at = batch, time.monotonic()
            try:
                self._predict(batch)
            except Exception as error:
                # Any exception is caught: without outcomes their messages would wait for ever, and without this thread
                # all messages would.
                log.exception("the predict stage failed, the rest of the batch fails", batch_size=len(batch))
                for item in batch:
                    item.finish(Failure(reason=FailureReason.PREDICT_FAILED, detail=type(error).__name__))
            finally:
                self._batch, self._batch_started_at = [], None

    def _choose_batch_size(self, waiting: int) -> int:
        try:
            return self.cost_model.choose_size(waiting, low_latency=time.monotonic() < self._low_latency_until)
        except Exception:
            log.exception("choosing a batch size failed, predicting one image")
            return 1

    def _predict(self, batch: list[WorkItem]) -> None:
        started = time.monotonic()
        try:
            predictions = self._predict_rows(batch)
        except Exception:
            log.exception("predict failed, trying each image alone", batch_size=len(batch))
            self._predict_individually(batch)
            return
        seconds = time.monotonic() - started
        self.cost_model.observe(len(batch), seconds)
        METRICS.batch_size.observe(len(batch))
        METRICS.predict.observe(seconds)
        self._fail(_finish_valid(batch, predictions, started, seconds), len(batch), batch_size=len(batch))

    def _predict_rows(self, batch: list[WorkItem]) -> PredictionBatch:
        """Run the model. Raises what the runtime raises, and `ValueError` for another number of rows."""
        predictions = self._predictor.predict(_stack_pixels(batch))
        outputs = (predictions.probabilities, predictions.evidence, predictions.distance, predictions.kinds)
        if any(len(output) != len(batch) for output in outputs):
            raise ValueError(f"the runtime returned {[len(output) for output in outputs]} rows for {len(batch)} images")
        return predictions

    def _predict_individually(self, batch: list[WorkItem]) -> None:
        """Predict each item alone, so that only an item that fails alone gets a failure."""
        failed: list[FailedItem] = []
        for item in batch:
            started = time.monotonic()
            try:
                predictions = self._predict_rows([item])
            except Exception as error:
                log.exception("predict failed for one image", job=item.job.id)
                failed.append((item, type(error).__name__))
            else:
                failed += _finish_valid([item], predictions, started, time.monotonic() - started)
        self._fail(failed, len(batch), batch_size=1)

    def _fail(self, failed: Sequence[FailedItem], items: int, *, batch_size: int) -> None:
        """Fail items of a batch of `items`; but if all have failed because the device is broken, release them.

        They are released unmarked. No image breaks a device: whatever it shows, the model gets as many pixels.
        """
        fault = find_device_fault(self._predictor, batch_size, self._image_size) if len(failed) == items else None
        if fault is not None:
            # Before the release, whose messages this worker would take.
            self._on_device_fault(fault)
        for item, detail in failed:
            if fault is not None:
                item.finish(Released.RELEASED)
                continue
            log.error("the model has no answer to the image, it fails", job=item.job.id, problem=detail)
            item.finish(Failure(reason=FailureReason.PREDICT_FAILED, detail=detail))


def _stack_pixels(batch: list[WorkItem]) -> NDArray[np.uint8]:
    return np.stack([item.pixels for item in batch if item.pixels is not None])


def _finish_valid(
    batch: list[WorkItem], predictions: PredictionBatch, started: float, seconds: float
) -> list[FailedItem]:
    """Finish the items whose output is valid. Returns the others."""
    is_valid = find_valid_rows(predictions)
    failed: list[FailedItem] = []
    for row, item in enumerate(batch):
        if not is_valid[row]:
            failed.append((item, "output not finite or out of range"))
            continue
        wait = max(0.0, started - item.entered_at - item.decode_s)
        METRICS.pipeline_wait.labels(queue=item.job.queue).observe(wait)
        item.finish(
            Prediction(
                probabilities=predictions.probabilities[row].clip(0, 1),
                evidence=predictions.evidence[row],
                distance=float(predictions.distance[row]),
                kinds=predictions.kinds[row].clip(0, 1),
                batch_size=len(batch),
                wait_s=wait,
                predict_s=seconds,
            )
        )
    return failed
