"""Decodes small images in the thread that asks."""

import time
from typing import Final

from shared.images.decode import DecodedImage, decode
from shared.images.limits import DecodeLimits
from shared.images.preprocessing import PreprocessingSpec

#: Share of the limit of memory that an image may take to be decoded here: 32 MiB of the default. A photograph takes 5
#: to 20. Larger images would hold up all threads of the worker: they take a core for a second, and while Pillow copies
#: the pixels of a WebP it holds the interpreter's lock for up to a fifth of a second.
_MAX_SHARE: Final = 1 / 32


class LargeImage(Exception):
    """Raised when an image takes so much memory that a child process must decode it."""


class InProcessDecoder:
    """Decodes one image at a time for one decode slot.

    Args:
        spec: Preprocessing of the model's input.
        limits: Limits of size and cost.
    """

    def __init__(self, spec: PreprocessingSpec, *, limits: DecodeLimits) -> None:
        self._spec = spec
        self._limits = limits
        self._started_at: float | None = None

    def decode(self, data: bytes) -> DecodedImage:
        """Decode an image.

        Raises:
            ImageRejected: The image is refused.
            LargeImage: The image is too large to be decoded here.
        """
        self._started_at = time.monotonic()
        try:
            return decode(data, self._spec, self._limits, reserve=self._check_memory)
        finally:
            self._started_at = None

    def running_s(self) -> float:
        """Return for how many seconds an image has been decoded."""
        started_at = self._started_at
        return 0.0 if started_at is None else time.monotonic() - started_at

    def close(self) -> None:
        """Do nothing: an image that is being decoded is finished."""

    def _check_memory(self, memory: int) -> None:
        if memory > self._limits.max_memory * _MAX_SHARE:
            raise LargeImage
