"""Journal of submitted images: a resumed run waits for their decisions even if a file has vanished since."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from bulk import filenames
from bulk.inputs.input_image import ImageVersion
from bulk.submission.image_batch import SubmittedImage


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A job that was about to be created, and the bytes that it stands for."""

    id: str
    name: str
    version: ImageVersion


class SubmissionJournal:
    """Appends images to the file at `path`, each before the ledger gets its job.

    The file is not synced. It has to survive the death of the process, not of the machine: after that the folder is
    scanned again anyway.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def append(self, images: Sequence[SubmittedImage]) -> None:
        """Append `images`. Raises `OSError`."""
        entries = [
            {"id": submitted.id, **filenames.to_fields(submitted.image.name), **asdict(submitted.version)}
            for submitted in images
        ]
        # The newline at the start ends a line that a kill cut off.
        block = b"\n" + json.dumps(entries).encode("ascii") + b"\n"
        written = 0
        while written < len(block):
            written += self._file.write(block[written:]) or 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path) -> Iterator[JournalEntry]:
    """Yield the entries in order, without those of a line that a kill cut off."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                entries = [_entry(fields) for fields in json.loads(line)]
            except (AttributeError, KeyError, TypeError, ValueError):
                continue
            yield from entries


def _entry(fields: dict[str, object]) -> JournalEntry:
    version = ImageVersion(*(fields[field] for field in ImageVersion.__slots__))  # type: ignore[arg-type]
    return JournalEntry(str(fields["id"]), filenames.from_fields(fields), version)
