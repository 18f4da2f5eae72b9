"""`run.json`: describes the run of an output directory, so that `--resume` can continue it."""

import hashlib
import json
import os
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from bulk import filenames
from bulk.atomic_file import replacing
from shared.contract.names import CONTRACT_VERSION, FOLDER_RUN_PREFIX


class ManifestError(Exception):
    """Raised when `run.json` does not describe a run that this release can continue. The message is for the user."""


@dataclass(frozen=True, slots=True)
class RunManifest:
    """Contents of `run.json`.

    `key` makes the ids of names and jobs, so it stays private. `folder` is absolute. `retries` counts the
    starts that set rows aside.
    """

    id: str
    key: bytes
    folder: Path
    recursive: bool
    started: str
    retries: int = 0

    @classmethod
    def create(cls, folder: Path, *, recursive: bool) -> Self:
        """Describe a new run of `folder`."""
        return cls(
            id=secrets.token_hex(8),
            key=secrets.token_bytes(32),
            folder=folder.resolve(),
            recursive=recursive,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the manifest at `path`. Raises `ManifestError` and `OSError`."""
        shown = filenames.visible(str(path))
        try:
            fields = json.loads(path.read_bytes())
            if fields["contract"] != CONTRACT_VERSION:
                raise ManifestError(
                    f"{shown} was written by another release (contract {fields['contract']}):"
                    " finish the run with that one, or choose another --out."
                )
            return cls(
                id=str(fields["run"]),
                key=bytes.fromhex(fields["key"]),
                folder=Path(filenames.from_fields(fields, "folder")),
                recursive=bool(fields["recursive"]),
                started=str(fields["started"]),
                retries=int(fields["retries"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ManifestError(f"{shown} cannot be understood: choose another --out.") from error

    def write(self, path: Path) -> None:
        """Write the manifest to `path`, whole or not at all. Raises `OSError`."""
        fields = {
            "contract": CONTRACT_VERSION,
            "run": self.id,
            "key": self.key.hex(),
            **filenames.to_fields(str(self.folder), "folder"),
            "recursive": self.recursive,
            "started": self.started,
            "retries": self.retries,
        }
        with replacing(path) as temporary:
            # The key turns names into job ids, so other users of this machine cannot read it.
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump(fields, file, indent=1)

    def retried(self) -> Self:
        """The same run with one more retry. Its jobs get new ids: the ledger keeps failed jobs as dead letters."""
        return replace(self, retries=self.retries + 1)

    @property
    def job_key(self) -> bytes:
        """Makes the ids of jobs."""
        return hashlib.blake2b(str(self.retries).encode(), key=self.key).digest()

    @property
    def outbox(self) -> str:
        """Name of the run's outbox in the ledger."""
        return FOLDER_RUN_PREFIX + self.id
