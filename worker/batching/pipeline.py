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
        self._isolated_decoder = IsolatedDecoder(
            timeout_s=settings.decode_timeout_s, max_memory_bytes=settings.decode_max_memory
        )
        self._predict = PredictStage(
            predictor, image_size=manifest.picture.size, max_batch_size=settings.max_batch_size
        )
        self._decode = DecodeStage(
            manifest.picture,
            slots=settings.decode_slots or os.cpu_count() or 1,
            isolated_decoder=self._isolated_decoder,
            on_decoded=self._put_decoded,
        )

    def start(self) -> None:
        """Warm every batch size, then start the threads."""
        self._predict.warm_up()
        self._predict.start()
        self._decode.start()

    def put(self, item: WorkItem) -> None:
        """Begin with a picture. Its latch counts down when it is finished."""
        if not self._decode.put(item):
            item.finish(Released.RELEASED)

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
        return self._decode.get_hanging_items(limit_s)

    def release(self) -> None:
        """Finish the batch in hand and release every other picture."""
        for item in [*self._decode.close(), *self._predict.close()]:
            item.finish(Released.RELEASED)

    def join(self) -> None:
        """Wait for the batch in hand after `release`, and end the child."""
        self._predict.join()
        self._isolated_decoder.stop()

    def _put_decoded(self, item: WorkItem) -> None:
        if not self._predict.put(item):
            item.finish(Released.RELEASED)
