"""Origin of a photo: the payload that the bot stores with a job. Photos that wait for consent have one, too."""

from pydantic import AliasChoices, BaseModel, ConfigDict, Field


class PhotoOrigin(BaseModel):
    """Chat, message and user of a photo, and the file id to download it again.

    The aliases are the names of older releases, whose records a newer bot must read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    chat_id: int = Field(validation_alias=AliasChoices("chat_id", "chat"))
    message_id: int = Field(validation_alias=AliasChoices("message_id", "message"))
    #: Who sent the photo or, in a group, asked about it: the only user who may have the answer explained or rate it.
    user_id: int = Field(validation_alias=AliasChoices("user_id", "person"))
    file_id: str = Field(validation_alias=AliasChoices("file_id", "file"))
    is_group: bool = Field(default=False, validation_alias=AliasChoices("is_group", "group"))
    album_id: str | None = Field(default=None, validation_alias=AliasChoices("album_id", "album"))
    #: The topic of a forum group or private chat; None outside topics.
    thread_id: int | None = None
