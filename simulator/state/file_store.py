"""The files that users and bots sent, by their file ids."""

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from simulator.errors import bad_request
from simulator.state import photo_sizes
from simulator.state.photo_sizes import PhotoSize

_MAX_DOWNLOAD_BYTES: Final = 20 * 2**20
#: Limit of the files that bots sent. Beyond it the oldest are removed; otherwise a load run would fill the memory.
_MAX_BOT_BYTES: Final = 256 * 2**20


@dataclass(frozen=True, slots=True)
class File:
    """A file with its metadata. `unique_id` depends on content, name and type, and not on the sender."""

    unique_id: str
    data: bytes
    name: str
    mime: str
    width: int = 0
    height: int = 0

    def new_file_id(self) -> str:
        """A new `file_id`: in Telegram a file has another one in each message."""
        return f"{self.unique_id}-{secrets.token_hex(4)}"

    def media_info(self) -> dict[str, Any]:
        """The fields that all kinds of media have."""
        return {"file_id": self.new_file_id(), "file_unique_id": self.unique_id, "file_size": len(self.data)}

    def photo_size_info(self) -> dict[str, Any]:
        """The file as a `PhotoSize` of the Bot API."""
        return self.media_info() | {"width": self.width, "height": self.height}

    def document_info(self) -> dict[str, Any]:
        """The file as a `Document` of the Bot API."""
        return self.media_info() | {"file_name": self.name, "mime_type": self.mime or "application/octet-stream"}


class FileStore:
    """All files. Files of the same content, name and type are stored once, and a photo is scaled once."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        self._photos: dict[str, list[File]] = {}
        #: Bytes of each file that a bot sent, the oldest first.
        self._bot_files: OrderedDict[str, int] = OrderedDict()
        self._bot_bytes = 0

    def add(self, data: bytes, name: str, mime: str, width: int = 0, height: int = 0) -> File:
        """Store `data` as a file."""
        digest = hashlib.sha256(data)
        digest.update(f"\0{name}\0{mime}".encode())
        unique_id = digest.hexdigest()[:20]
        file = self._files.get(unique_id)
        if file is None:
            file = self._files[unique_id] = File(unique_id, data, name, mime, width, height)
        return file

    def get(self, file_id: str) -> File:
        """The file with this id. Raises `ApiError`."""
        file = self._files.get(file_id.partition("-")[0])
        if file is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        return file

    def get_downloadable(self, file_id: str) -> File:
        """The file with this id if a bot may download it: at most 20 MB. Raises `ApiError`."""
        file = self.get(file_id)
        if len(file.data) > _MAX_DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        return file

    def get_photo_sizes(self, file: File) -> list[File]:
        """All sizes of a photo, smallest first. `file` is the photo or one of its sizes. Raises `ApiError`."""
        if file.unique_id not in self._photos:
            self._add_sizes(file, photo_sizes.make_sizes(file.data))
        return self._photos[file.unique_id]

    def add_bot_photo(self, data: bytes, name: str) -> list[File]:
        """Store a photo that a bot uploaded; returns its sizes. Raises `ApiError` if Telegram would refuse it."""
        photo_sizes.check_photo(data)
        file = self.add(data, name, "image/jpeg")
        if file.unique_id not in self._photos:
            original = photo_sizes.keep_original(data)
            self._add_sizes(file, [original] if original else photo_sizes.make_sizes(data))
        sizes = self._photos[file.unique_id]
        for item in (file, *sizes):
            self.mark_sent_by_bot(item)
        return sizes

    def mark_sent_by_bot(self, file: File) -> None:
        """Count `file` as sent by a bot, and remove the oldest such files while they exceed their limit."""
        if file.unique_id not in self._bot_files:
            self._bot_files[file.unique_id] = len(file.data)
            self._bot_bytes += len(file.data)
        while self._bot_bytes > _MAX_BOT_BYTES:
            oldest, size_bytes = self._bot_files.popitem(last=False)
            self._bot_bytes -= size_bytes
            self._files.pop(oldest, None)
            self._photos.pop(oldest, None)

    def _add_sizes(self, file: File, sizes: list[PhotoSize]) -> None:
        files = [self.add(size.data, f"{size.name}.jpg", "image/jpeg", size.width, size.height) for size in sizes]
        for item in (file, *files):
            self._photos[item.unique_id] = files
