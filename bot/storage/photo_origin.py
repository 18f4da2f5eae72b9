"""Where the photo of a job came from: the payload that the bot stores with the job. Only the ledger holds it."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, model_validator

#: Field names in records of older releases. A new bot reads the records that an older one stored.
_OLD_NAMES: Final = {
    "chat": "chat_id",
    "message": "message_id",
    "person": "user_id",
    "file": "file_id",
    "group": "is_group",
    "album": "album_id",
}


class PhotoOrigin(BaseModel):
    """Where a photo came from and how to download it again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chat_id: int
    message_id: int
    #: Who sent the photo or, in a group, who asked about it: the only user whose button presses count.
    user_id: int
    file_id: str
    is_group: bool = False
    album_id: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_old_names(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {_OLD_NAMES.get(name, name): value for name, value in fields.items()}
