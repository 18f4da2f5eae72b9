"""The pipeline of one loaded model: decode slots -> predict thread."""

from runtimes.base import Predictor
from shared.config.settings import Settings
from shared.config.usable_cores import usable_cores
from shared.model.artefact import Manifest
from worker.batching.decode_stage import DecodeStage
from worker.batching.isolated_decoder import IsolatedDecoder
from worker.batching.predict_stage import PredictStage
from worker.batching.work_item import Released, WorkItem


class Pipeline:
    """Decodes and predicts work items. Each item gets an outcome, also if its batch fails or the pipeline is closed.

    Attributes:
        decode_stage: The watchdog asks it for hanging decodes.
        predict_stage: Read for its cost model and the age of its batch. An operator may limit its batch size.
    """

    def __init__(self, predictor: Predictor, manifest: Manifest, settings: Settings) -> None:
        self._isolated_decoder = IsolatedDecoder(
            timeout_s=settings.decode_timeout_s, max_memory_bytes=settings.decode_max_memory
        )
        self.predict_stage = PredictStage(
            predictor, image_size=manifest.picture.size, max_batch_size=settings.max_batch_size
        )
        self.decode_stage = DecodeStage(
            manifest.picture,
            slots=settings.decode_slots or usable_cores(),
            isolated_decoder=self._isolated_decoder,
            on_decoded=self._put_decoded,
        )

    def start(self) -> None:
        """Warm up the model with batches of several sizes, then start the threads."""
        self.predict_stage.warm_up()
        self.predict_stage.start()
        self.decode_stage.start()

    def put(self, item: WorkItem) -> None:
        """Start to process an item. Its latch counts down when the item is finished."""
        if not self.decode_stage.put(item):
            item.finish(Released.RELEASED)

    def release(self) -> None:
        """Finish the batch in flight and release every other item."""
        for item in [*self.decode_stage.close(), *self.predict_stage.close()]:
            item.finish(Released.RELEASED)

    def join(self) -> None:
        """Wait for the batch in flight after `release`, and end the child process."""
        self.predict_stage.join()
        self._isolated_decoder.stop()

    def _put_decoded(self, item: WorkItem) -> None:
        if not self.predict_stage.put(item):
            item.finish(Released.RELEASED)
