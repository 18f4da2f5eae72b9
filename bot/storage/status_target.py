"""The subject of a status message: the job of one photo, or an album of photos that share one message."""

from dataclasses import dataclass

from bot.storage.photo_origin import PhotoOrigin


@dataclass(frozen=True, slots=True)
class JobTarget:
    """One photo."""

    job_id: str

    def __str__(self) -> str:
        return f"job:{self.job_id}"


@dataclass(frozen=True, slots=True)
class AlbumTarget:
    """All photos of one album."""

    chat_id: int
    album_id: str

    def __str__(self) -> str:
        return f"album:{self.chat_id}:{self.album_id}"


StatusTarget = JobTarget | AlbumTarget


def get_status_target(job_id: str, origin: PhotoOrigin) -> StatusTarget:
    """Return the target of the status message for a photo."""
    return AlbumTarget(origin.chat_id, origin.album_id) if origin.album_id else JobTarget(job_id)


def parse_status_target(name: str) -> StatusTarget:
    """Read a target back from its `str`, which is how Redis holds it."""
    kind, _, rest = name.partition(":")
    if kind == "job":
        return JobTarget(rest)
    chat_id, _, album_id = rest.partition(":")
    return AlbumTarget(int(chat_id), album_id)
