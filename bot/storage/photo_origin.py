"""The bot's note to itself on a job: where the photograph came from. Only the ledger holds it."""

from pydantic import BaseModel, ConfigDict


class PhotoOrigin(BaseModel):
    """Where a photograph came from and how to fetch it again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chat: int
    message: int
    #: Who sent it or, in a group, who asked: the only one whose button presses count.
    person: int
    file: str
    group: bool = False
    album: str | None = None
