"""Reads images for one upload, with a limit on their number and bytes."""

import hashlib
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from bulk.inputs.input_image import ImageVersion, InputImage
from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from bulk.results.result_row import LocalRefusal, ResultRow
from shared.contract.decision import Refusal
from shared.ids import job_id
from shared.images.refusal import ImageRejected

# Bytes in memory at which a batch is full.
_MAX_BYTES: Final = 8 * 2**20


@dataclass(frozen=True, slots=True)
class SubmittedImage:
    """An image that was read, with the id of the job for its bytes. Other bytes under the same name are another job."""

    id: str
    image: InputImage
    version: ImageVersion


class Reread(Enum):
    """Outcome of reading a submitted image again."""

    SAME = auto()
    #: The file now has other bytes.
    CHANGED = auto()
    REFUSED = auto()


class ImageBatch:
    """Bytes of up to `max_images` images by job id, and refusals of images that cannot be submitted.

    An image of more than `max_image_bytes` is refused. `key` makes the job ids.
    """

    def __init__(self, *, key: bytes, max_images: int, max_image_bytes: int) -> None:
        self.images: dict[str, bytes] = {}
        self.refusals: list[ResultRow] = []
        self._key = key
        self._max_images = max_images
        self._max_image_bytes = max_image_bytes
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """True if no further image should be read."""
        return len(self.images) >= self._max_images or self._bytes >= _MAX_BYTES

    def read(self, image: InputImage) -> SubmittedImage | None:
        """Read `image`. None if it was refused."""
        changed_ns = image.changed_ns()
        data = self._load(image)
        if not isinstance(data, bytes):
            id_ = job_id(self._key, image.name)
            self.refusals.append(ResultRow(id_, image.name, 0.0, data, ImageVersion(changed_ns=changed_ns)))
            return None
        sha256 = hashlib.sha256(data).hexdigest()
        submitted = SubmittedImage(
            job_id(self._key, image.name, sha256), image, ImageVersion(len(data), sha256, changed_ns)
        )
        self._add(submitted.id, data)
        return submitted

    def reread(self, submitted: SubmittedImage) -> Reread:
        """Read the bytes of a job again. Nothing else is ever stored under its id."""
        data = self._load(submitted.image)
        if not isinstance(data, bytes):
            self.refusals.append(ResultRow(submitted.id, submitted.image.name, 0.0, data, submitted.version))
            return Reread.REFUSED
        if hashlib.sha256(data).hexdigest() != submitted.version.sha256:
            return Reread.CHANGED
        self._add(submitted.id, data)
        return Reread.SAME

    def _add(self, id_: str, data: bytes) -> None:
        self.images[id_] = data
        self._bytes += len(data)

    def _load(self, image: InputImage) -> bytes | Refusal | LocalRefusal:
        try:
            data = image.load()
        except ImageRejected as error:
            return Refusal(reason=error.reason)
        except FileNotReadable as error:
            return LocalRefusal(reason=error.problem)
        return data if len(data) <= self._max_image_bytes else LocalRefusal(reason=ReadProblem.LARGER_THAN_STORE)
