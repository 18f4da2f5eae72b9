"""The pipeline of one loaded model: decode slots -> predict thread."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from runtimes.base import Predictor
from shared.config.settings import Settings
from shared.config.usable_cores import usable_cores
from shared.contract.names import Queue
from shared.images.limits import DECODE_LIMITS
from shared.ledger.script_call import JOBS_PER_MESSAGE
from shared.model.artefact import Manifest
from worker.batching.decode_stage import DecodeStage
from worker.batching.predict_stage import PredictStage
from worker.batching.prediction_check import DeviceFault
from worker.batching.work_item import Released, WorkItem

#: Batches that keep the device busy: one that is predicted, one that is decoded meanwhile, and what the next message
#: brings.
_BACKLOG_BATCHES: Final = 3


class Pipeline:
    """Decodes and predicts work items. Each item gets an outcome, also if its batch fails or the pipeline is closed.

    `on_device_fault` is that of `PredictStage`.

    Attributes:
        decode_stage: The watchdog asks it for hanging decodes.
        predict_stage: Read for its cost model and the age of its batch. An operator may limit its batch size.
    """

    def __init__(
        self,
        predictor: Predictor,
        manifest: Manifest,
        settings: Settings,
        on_device_fault: Callable[[DeviceFault], None],
    ) -> None:
        self.predict_stage = PredictStage(
            predictor,
            image_size=manifest.picture.size,
            max_batch_size=settings.max_batch_size,
            on_device_fault=on_device_fault,
        )
        self.decode_stage = DecodeStage(
            manifest.picture,
            slots=settings.decode_slots or usable_cores(),
            limits=replace(DECODE_LIMITS, max_memory=settings.decode_max_memory),
            timeout_s=settings.decode_timeout_s,
            on_decoded=self._put_decoded,
        )

    def start(self) -> None:
        """Warm up the model with batches of several sizes, then start the threads."""
        self.predict_stage.warm_up()
        self.predict_stage.start()
        self.decode_stage.start()

    def put(self, item: WorkItem) -> None:
        """Start to process an item. Its message gets the item once it is finished."""
        if not self.decode_stage.put(item):
            item.finish(Released.RELEASED)

    def count_backlog(self, queue: Queue) -> int:
        """Return how many images of `queue` the device can expect soon, with those of the batch in flight.

        Images that child processes decode are not counted: they may take long, and others overtake them.
        """
        return self.decode_stage.count_simple(queue) + self.predict_stage.count(queue)

    def get_max_backlog(self) -> int:
        """Return how many images of one queue are enough to keep the device and the decode slots busy."""
        return _BACKLOG_BATCHES * max(self.predict_stage.cost_model.get_best_size(), JOBS_PER_MESSAGE)

    def release(self) -> None:
        """Finish the batch in flight, end the child processes and release every other item."""
        for item in [*self.decode_stage.close(), *self.predict_stage.close()]:
            item.finish(Released.RELEASED)

    def join(self) -> None:
        """Wait for the batch in flight after `release`."""
        self.predict_stage.join()

    def _put_decoded(self, item: WorkItem) -> None:
        if not self.predict_stage.put(item):
            item.finish(Released.RELEASED)
