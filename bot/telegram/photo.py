"""Finds the photo in a message of Telegram. `bot/background/photo_download.py` downloads it."""

import mimetypes
from dataclasses import dataclass
from typing import Final

from aiogram.types import Document, Message, MessageOriginUser

#: Suffixes of image files of phones and cameras. The decoder decides by the bytes, not by the name.
_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff")

#: What Telegram calls files whose type it does not know.
_UNKNOWN_TYPES: Final = (None, "", "application/octet-stream")


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A file on Telegram's servers. `size_bytes` is 0 where Telegram does not say it."""

    file_id: str
    unique_id: str
    size_bytes: int


def extract_photo(message: Message) -> PhotoFile | None:
    """Return the photo in `message`: the largest size of a photo, or a file that is or may be an image."""
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        return PhotoFile(largest.file_id, largest.file_unique_id, largest.file_size or 0)
    # Telegram fills `document` for an animation, too.
    document = message.document if message.animation is None else None
    if document is None or not _may_be_image(document):
        return None
    return PhotoFile(document.file_id, document.file_unique_id, document.file_size or 0)


def has_file(message: Message) -> bool:
    """Return whether `message` contains a file that is no photo: a document, a video or an animation."""
    return any((message.document, message.video, message.video_note, message.animation, message.audio))


def is_from_bot(message: Message, bot_id: int) -> bool:
    """Return whether the bot itself sent `message`, or the message from which it was forwarded."""
    if isinstance(message.forward_origin, MessageOriginUser):
        return message.forward_origin.sender_user.id == bot_id
    return message.from_user is not None and message.from_user.id == bot_id


def _may_be_image(document: Document) -> bool:
    name = (document.file_name or "").lower()
    if (document.mime_type or "").startswith("image/") or name.endswith(_SUFFIXES):
        return True
    # Nothing tells what a file without a known type or suffix is. The decoder looks into it.
    return document.mime_type in _UNKNOWN_TYPES and mimetypes.guess_type(name)[0] is None
