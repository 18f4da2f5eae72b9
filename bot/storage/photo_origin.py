"""Where the photo of a job came from: the payload that the bot stores with the job. Only the ledger holds it."""

from pydantic import AliasChoices, BaseModel, ConfigDict, Field


class PhotoOrigin(BaseModel):
    """Where a photo came from and how to download it again.

    The aliases are the names of older releases, whose records a newer bot must read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    chat_id: int = Field(validation_alias=AliasChoices("chat_id", "chat"))
    message_id: int = Field(validation_alias=AliasChoices("message_id", "message"))
    #: Who sent the photo or, in a group, who asked about it: the only user whose button presses count.
    user_id: int = Field(validation_alias=AliasChoices("user_id", "person"))
    file_id: str = Field(validation_alias=AliasChoices("file_id", "file"))
    is_group: bool = Field(default=False, validation_alias=AliasChoices("is_group", "group"))
    album_id: str | None = Field(default=None, validation_alias=AliasChoices("album_id", "album"))
