"""Finds the photo in a message of Telegram. `bot/background/photo_download.py` downloads it."""

from dataclasses import dataclass
from typing import Final

from aiogram.types import Message

#: Suffixes of image files of phones and cameras. The decoder decides by the bytes, not by the name.
_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A file on Telegram's servers. `size_bytes` is 0 where Telegram does not say it."""

    file_id: str
    unique_id: str
    size_bytes: int


def extract_photo(message: Message) -> PhotoFile | None:
    """Return the photo in `message`: the largest size of a photo, or a file that claims to be an image."""
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        return PhotoFile(largest.file_id, largest.file_unique_id, largest.file_size or 0)
    # Telegram fills `document` for an animation, too.
    document = message.document if message.animation is None else None
    if document is None:
        return None
    if (document.mime_type or "").startswith("image/") or (document.file_name or "").lower().endswith(_SUFFIXES):
        return PhotoFile(document.file_id, document.file_unique_id, document.file_size or 0)
    return None
