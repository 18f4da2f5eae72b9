"""decode slots -> predict thread, and the way out when the worker stops."""

import os

from runtimes.base import Predictor
from shared.config.settings import Settings
from shared.model.artefact import Manifest
from worker.batching.decode_stage import DecodeStage
from worker.batching.isolated_decoder import IsolatedDecoder
from worker.batching.predict_stage import PredictStage
from worker.batching.work_item import Released, WorkItem


class Pipeline:
    """Takes pictures with bytes and finishes each of them, whatever happens in between."""

    def __init__(self, predictor: Predictor, manifest: Manifest, settings: Settings) -> None:
        self._child = IsolatedDecoder(limit_s=settings.decode_timeout_s, memory=settings.decode_max_memory)
        self._predict = PredictStage(predictor, size=manifest.picture.size, largest=settings.max_batch_size)
        self._decode = DecodeStage(
            manifest.picture,
            slots=settings.decode_slots or os.cpu_count() or 1,
            child=self._child,
            pass_on=self._pass_on,
        )

    def start(self) -> None:
        """Warm every batch size, then start the threads."""
        self._predict.warm()
        self._predict.start()
        self._decode.start()

    def put(self, image: WorkItem) -> None:
        """Begin with a picture. Its latch counts down when it is finished."""
        if not self._decode.put(image):
            image.finish(Released.RELEASED)

    def images_per_second(self) -> float:
        """Pictures a second that the device can predict, as far as is known."""
        return self._predict.images_per_second()

    def set_max_batch_size(self, largest: int) -> None:
        """Let no batch be larger than `largest`."""
        self._predict.set_max_batch_size(largest)

    def batch_age_s(self) -> float:
        """For how many seconds predict has had the batch in hand."""
        return self._predict.batch_age_s()

    def hanging_items(self, limit_s: float) -> list[WorkItem]:
        """Pictures whose decode has taken longer than `limit_s`."""
        return self._decode.hanging_items(limit_s)

    def release(self) -> None:
        """Finish the batch in hand and release every other picture."""
        for image in [*self._decode.close(), *self._predict.close()]:
            image.finish(Released.RELEASED)

    def join(self) -> None:
        """Wait for the batch in hand after `release`, and end the child."""
        self._predict.join()
        self._child.stop()

    def _pass_on(self, image: WorkItem) -> None:
        if not self._predict.put(image):
            image.finish(Released.RELEASED)
