"""What of a message is a photograph."""

from dataclasses import dataclass
from typing import Final

from aiogram.types import Message

#: What phones and cameras call their files. The decoder looks at the bytes and decides for itself.
_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A file of Telegram's. `size` in bytes, 0 where Telegram does not say."""

    file_id: str
    unique_id: str
    size_bytes: int


def extract_photo(message: Message) -> PhotoFile | None:
    """Return the photograph in `message`: the largest size of a photo, or a file that claims to be a picture."""
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        return PhotoFile(largest.file_id, largest.file_unique_id, largest.file_size or 0)
    # An animation fills `document`, too.
    document = message.document if message.animation is None else None
    if document is None:
        return None
    if (document.mime_type or "").startswith("image/") or (document.file_name or "").lower().endswith(_SUFFIXES):
        return PhotoFile(document.file_id, document.file_unique_id, document.file_size or 0)
    return None
