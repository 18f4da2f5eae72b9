"""Files that people and bots sent, by the ids under which a bot asks for them."""

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from simulator.errors import bad_request
from simulator.state import photo_sizes
from simulator.state.photo_sizes import PhotoSize

_MAX_DOWNLOAD_BYTES: Final = 20 * 2**20
#: What bots sent is kept up to this, the latest of it; a load run would fill the memory otherwise.
_MAX_BOT_BYTES: Final = 256 * 2**20


@dataclass(frozen=True, slots=True)
class File:
    """Bytes, and what Telegram knows of them. `unique` is the same for the same file, whoever sent it."""

    unique_id: str
    data: bytes
    name: str
    mime: str
    width: int = 0
    height: int = 0

    @property
    def id(self) -> str:
        """A new `file_id` each time it is asked for, as Telegram gives one for each message."""
        return f"{self.unique_id}-{secrets.token_hex(4)}"

    def media_info(self) -> dict[str, Any]:
        """What all kinds of media have."""
        return {"file_id": self.id, "file_unique_id": self.unique_id, "file_size": len(self.data)}

    def photo_size_info(self) -> dict[str, Any]:
        """As a `PhotoSize`."""
        return self.media_info() | {"width": self.width, "height": self.height}

    def document_info(self) -> dict[str, Any]:
        """As a `Document`."""
        return self.media_info() | {"file_name": self.name, "mime_type": self.mime or "application/octet-stream"}


class FileStore:
    """All files. The same content is kept once, and reduced once where it is a photograph."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        self._photos: dict[str, list[File]] = {}
        self._bot_files: OrderedDict[str, int] = OrderedDict()
        self._bot_bytes = 0

    def add(self, data: bytes, name: str, mime: str, width: int = 0, height: int = 0) -> File:
        """Keep `data` as a file."""
        digest = hashlib.sha256(data)
        digest.update(f"\0{name}\0{mime}".encode())
        unique = digest.hexdigest()[:20]
        file = self._files.get(unique)
        if file is None:
            file = self._files[unique] = File(unique, data, name, mime, width, height)
        return file

    def get(self, id_: str) -> File:
        """The file with this id. Raises `ApiError`."""
        file = self._files.get(id_.partition("-")[0])
        if file is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        return file

    def get_downloadable(self, id_: str) -> File:
        """The same for a download by a bot, which may have 20 MB at most."""
        file = self.get(id_)
        if len(file.data) > _MAX_DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        return file

    def get_photo_sizes(self, file: File) -> list[File]:
        """The sizes of a photograph, smallest first, of `file` or of any of its sizes. Raises `ApiError`."""
        if file.unique_id not in self._photos:
            self._add_sizes(file, photo_sizes.make_sizes(file.data))
        return self._photos[file.unique_id]

    def add_bot_photo(self, data: bytes, name: str) -> list[File]:
        """The sizes of what a bot uploaded as a photograph. Raises `ApiError` for what Telegram refuses."""
        photo_sizes.check_photo(data)
        file = self.add(data, name, "image/jpeg")
        if file.unique_id not in self._photos:
            whole = photo_sizes.keep_original(data)
            self._add_sizes(file, [whole] if whole else photo_sizes.make_sizes(data))
        sizes = self._photos[file.unique_id]
        for one in (file, *sizes):
            self.mark_sent_by_bot(one)
        return sizes

    def mark_sent_by_bot(self, file: File) -> None:
        """Note that `file` came from a bot, and forget the oldest that did where they have become too many bytes."""
        if file.unique_id not in self._bot_files:
            self._bot_files[file.unique_id] = len(file.data)
            self._bot_bytes += len(file.data)
        while self._bot_bytes > _MAX_BOT_BYTES:
            oldest, size = self._bot_files.popitem(last=False)
            self._bot_bytes -= size
            self._files.pop(oldest, None)
            self._photos.pop(oldest, None)

    def _add_sizes(self, file: File, copies: list[PhotoSize]) -> None:
        sizes = [self.add(one.data, f"{one.name}.jpg", "image/jpeg", one.width, one.height) for one in copies]
        for one in (file, *sizes):
            self._photos[one.unique_id] = sizes
