"""Decodes images in the thread that asks, within a budget of memory that all decode slots share."""

import time

from shared.images.decode import DecodedImage, decode
from shared.images.limits import DecodeLimits
from shared.images.preprocessing import PreprocessingSpec
from worker.batching.weighted_semaphore import WeightedSemaphore


class DecoderClosed(Exception):
    """Raised when a decoder was closed before it had decoded an image."""


class InProcessDecoder:
    """Decodes one image at a time for one decode slot.

    Args:
        spec: Preprocessing of the model's input.
        limits: Limits of size and cost.
        budget: Bytes that all decodes of the process may take at once. Larger images wait for it.
    """

    def __init__(self, spec: PreprocessingSpec, *, limits: DecodeLimits, budget: WeightedSemaphore) -> None:
        self._spec = spec
        self._limits = limits
        self._budget = budget
        self._reserved = 0
        self._started_at: float | None = None

    def decode(self, data: bytes) -> DecodedImage:
        """Decode an image.

        Raises:
            ImageRejected: The image is refused.
            DecoderClosed: The decoder was closed while the image waited for memory.
        """
        self._started_at = time.monotonic()
        try:
            return decode(data, self._spec, self._limits, reserve=self._reserve)
        finally:
            self._started_at = None
            self._budget.release(self._reserved)
            self._reserved = 0

    def running_s(self) -> float:
        """Return for how many seconds an image has been decoded, without its wait for memory."""
        started_at = self._started_at
        return 0.0 if started_at is None else time.monotonic() - started_at

    def close(self) -> None:
        """Let images that wait for memory fail. One that is being decoded is finished."""
        self._budget.close()

    def _reserve(self, memory: int) -> None:
        self._started_at = None
        if not self._budget.acquire(memory):
            raise DecoderClosed
        self._reserved = memory
        self._started_at = time.monotonic()
