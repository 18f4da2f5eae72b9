"""Files that people and bots sent, by the ids under which a bot asks for them."""

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from simulator.errors import bad_request
from simulator.state import photo_sizes
from simulator.state.photo_sizes import Copy

_DOWNLOAD_BYTES: Final = 20 * 2**20
#: What bots sent is kept up to this, the latest of it; a load run would fill the memory otherwise.
_OF_BOTS_BYTES: Final = 256 * 2**20


@dataclass(frozen=True, slots=True)
class File:
    """Bytes, and what Telegram knows of them. `unique` is the same for the same file, whoever sent it."""

    unique: str
    data: bytes
    name: str
    mime: str
    width: int = 0
    height: int = 0

    @property
    def id(self) -> str:
        """A new `file_id` each time it is asked for, as Telegram gives one for each message."""
        return f"{self.unique}-{secrets.token_hex(4)}"

    def named(self) -> dict[str, Any]:
        """What all kinds of media have."""
        return {"file_id": self.id, "file_unique_id": self.unique, "file_size": len(self.data)}

    def size(self) -> dict[str, Any]:
        """As a `PhotoSize`."""
        return self.named() | {"width": self.width, "height": self.height}

    def document(self) -> dict[str, Any]:
        """As a `Document`."""
        return self.named() | {"file_name": self.name, "mime_type": self.mime or "application/octet-stream"}


class FileStore:
    """All files. The same content is kept once, and reduced once where it is a photograph."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        self._photos: dict[str, list[File]] = {}
        self._of_bots: OrderedDict[str, int] = OrderedDict()
        self._of_bots_bytes = 0

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

    def downloadable(self, id_: str) -> File:
        """The same for a download by a bot, which may have 20 MB at most."""
        file = self.get(id_)
        if len(file.data) > _DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        return file

    def photo(self, file: File) -> list[File]:
        """The sizes of a photograph, smallest first, of `file` or of any of its sizes. Raises `ApiError`."""
        if file.unique not in self._photos:
            self._keep(file, photo_sizes.reduced(file.data))
        return self._photos[file.unique]

    def photo_of_bot(self, data: bytes, name: str) -> list[File]:
        """The sizes of what a bot uploaded as a photograph. Raises `ApiError` for what Telegram refuses."""
        photo_sizes.check(data)
        file = self.add(data, name, "image/jpeg")
        if file.unique not in self._photos:
            whole = photo_sizes.as_it_is(data)
            self._keep(file, [whole] if whole else photo_sizes.reduced(data))
        sizes = self._photos[file.unique]
        for one in (file, *sizes):
            self.sent_by_bot(one)
        return sizes

    def sent_by_bot(self, file: File) -> None:
        """Note that `file` came from a bot, and forget the oldest that did where they have become too many bytes."""
        if file.unique not in self._of_bots:
            self._of_bots[file.unique] = len(file.data)
            self._of_bots_bytes += len(file.data)
        while self._of_bots_bytes > _OF_BOTS_BYTES:
            oldest, size = self._of_bots.popitem(last=False)
            self._of_bots_bytes -= size
            self._files.pop(oldest, None)
            self._photos.pop(oldest, None)

    def _keep(self, file: File, copies: list[Copy]) -> None:
        sizes = [self.add(one.data, f"{one.name}.jpg", "image/jpeg", one.width, one.height) for one in copies]
        for one in (file, *sizes):
            self._photos[one.unique] = sizes
