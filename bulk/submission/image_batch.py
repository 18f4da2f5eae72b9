"""Reads images for one upload, with a limit on their number and bytes."""

from typing import Final

from bulk.inputs.input_image import InputImage
from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from bulk.results.result_row import LocalRefusal, ResultRow
from shared.contract.decision import Refusal
from shared.images.refusal import ImageRejected

# Bytes in memory at which a batch is full.
_MAX_BYTES: Final = 8 * 2**20


class ImageBatch:
    """Bytes of up to `max_images` images by job id, and refusals of images that cannot be submitted.

    An image of more than `max_image_bytes` is refused.
    """

    def __init__(self, *, max_images: int, max_image_bytes: int) -> None:
        self.images: dict[str, bytes] = {}
        self.refusals: list[ResultRow] = []
        self._max_images = max_images
        self._max_image_bytes = max_image_bytes
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """True if no further image should be read."""
        return len(self.images) >= self._max_images or self._bytes >= _MAX_BYTES

    def read(self, id_: str, image: InputImage) -> bool:
        """Read `image`. False if it was refused."""
        refusal: Refusal | LocalRefusal
        try:
            data = image.load()
        except ImageRejected as error:
            refusal = Refusal(reason=error.reason)
        except FileNotReadable as error:
            refusal = LocalRefusal(reason=error.problem)
        else:
            if len(data) <= self._max_image_bytes:
                self.images[id_] = data
                self._bytes += len(data)
                return True
            refusal = LocalRefusal(reason=ReadProblem.LARGER_THAN_STORE)
        self.refusals.append(ResultRow(id_, image.name, 0.0, refusal))
        return False
