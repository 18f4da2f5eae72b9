"""Files that people and bots sent, and the sizes in which Telegram keeps a photograph."""

import hashlib
import secrets
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from PIL import Image, ImageOps, UnidentifiedImageError

from simulator.errors import bad_request

#: Longest side in pixels of each size, as Telegram names them.
_SIZES: Final = (("s", 90), ("m", 320), ("x", 800), ("y", 1280))

_PHOTO_BYTES: Final = 10 * 2**20
_PHOTO_SIDES: Final = 10_000
_PHOTO_RATIO: Final = 20
_DOWNLOAD_BYTES: Final = 20 * 2**20


@dataclass(frozen=True, slots=True)
class File:
    """Bytes under the id by which a bot asks for them."""

    id: str
    unique: str
    data: bytes
    name: str
    mime: str
    width: int = 0
    height: int = 0

    def size(self) -> dict[str, Any]:
        """As a `PhotoSize`."""
        return {
            "file_id": self.id,
            "file_unique_id": self.unique,
            "width": self.width,
            "height": self.height,
            "file_size": len(self.data),
        }

    def document(self) -> dict[str, Any]:
        """As a `Document`."""
        return {
            "file_id": self.id,
            "file_unique_id": self.unique,
            "file_name": self.name,
            "mime_type": self.mime,
            "file_size": len(self.data),
        }


class Files:
    """All files, by id. The same content is kept and reduced once, so that load runs are cheap."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        self._photos: dict[str, list[File]] = {}

    def add(self, data: bytes, name: str, mime: str, width: int = 0, height: int = 0) -> File:
        """Keep `data` as a file."""
        unique = hashlib.sha256(data + name.encode()).hexdigest()[:16]
        file = File(f"F{unique}{secrets.token_hex(4)}", unique, data, name, mime, width, height)
        self._files[file.id] = file
        return file

    def get(self, id_: str) -> File:
        """The file with this id. Raises `ApiError`."""
        file = self._files.get(id_)
        if file is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        return file

    def downloadable(self, id_: str) -> File:
        """The same for a download by a bot, which may have 20 MB at most."""
        file = self.get(id_)
        if len(file.data) > _DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        return file

    def photo(self, data: bytes) -> list[File]:
        """The sizes of a photograph, smallest first, re-encoded. Raises `ApiError` for what Telegram refuses."""
        key = hashlib.sha256(data).hexdigest()
        if key not in self._photos:
            self._photos[key] = self._reduced(data)
        return self._photos[key]

    def drawing(self, data: bytes) -> list[File]:
        """A photograph that a bot sends: the same, but one that needs no reducing stays as it is.

        Nobody looks at its smaller sizes, and load runs send thousands.
        """
        key = hashlib.sha256(data).hexdigest()
        if key not in self._photos:
            width, height, kind = _looked_at(data)
            if kind == "JPEG" and max(width, height) <= _SIZES[-1][1]:
                self._photos[key] = [self.add(data, "y.jpg", "image/jpeg", width, height)]
        return self.photo(data)

    def _reduced(self, data: bytes) -> list[File]:
        width, height, _ = _looked_at(data)
        with Image.open(BytesIO(data)) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
        found = []
        for name, side in _SIZES:
            copy = picture.copy()
            copy.thumbnail((side, side))
            into = BytesIO()
            copy.save(into, "JPEG", quality=87)
            found.append(self.add(into.getvalue(), f"{name}.jpg", "image/jpeg", *copy.size))
            if max(width, height) <= side:
                break
        return found


def _looked_at(data: bytes) -> tuple[int, int, str | None]:
    """Width, height and format of a photograph. Raises `ApiError` for what Telegram refuses."""
    if len(data) > _PHOTO_BYTES:
        raise bad_request("too big file for a photo")
    try:
        with Image.open(BytesIO(data)) as opened:
            width, height = opened.size
            kind = opened.format
    except (UnidentifiedImageError, OSError):
        raise bad_request("IMAGE_PROCESS_FAILED") from None
    if width + height > _PHOTO_SIDES or max(width, height) > _PHOTO_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return width, height, kind
