"""The output directory: one run of one folder, by one process at a time."""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bulk import filenames
from shared.contract.names import CONTRACT_VERSION
from shared.contract.run_files import JOURNAL, LOCK, REPORT, RESULTS, RUN, TABLE


class OutputDirectoryError(Exception):
    """Raised when results cannot go to a directory. The message is a sentence or two for the person."""


@dataclass(frozen=True, slots=True)
class RunManifest:
    """What `run.json` keeps. `key` makes the job ids, so it stays private; `folder` is absolute."""

    id: str
    key: bytes
    folder: Path
    recursive: bool
    started: str

    @property
    def outbox(self) -> str:
        """Name of the run's outbox in the ledger."""
        return f"bulk:{self.id}"


def default_output(folder: Path) -> Path:
    """`<name of folder>-results` in the working directory."""
    return Path(f"{folder.resolve().name or 'root'}-results")


@contextlib.contextmanager
def lock_directory(out: Path) -> Iterator[None]:
    """Make `out` and hold it for this process. Raises `OutputDirectoryError` where another one has it, and `OSError`."""
    out.mkdir(parents=True, exist_ok=True)
    handle = os.open(out / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputDirectoryError(
                f"{filenames.visible(str(out))} is in use by another melanoma-submit: wait for it, or choose"
                " another --out."
            ) from error
        yield
    finally:
        os.close(handle)


def open_run(out: Path, folder: Path, *, recursive: bool, resume: bool) -> RunManifest:
    """Start a run in `out`, or find the one to go on with. Raises `OutputDirectoryError` and `OSError`."""
    shown = filenames.visible(str(out))
    path = out / RUN
    # A start that failed before its first picture, perhaps for a wrong password, leaves nothing to go on with.
    begun = any((out / name).exists() for name in (RESULTS, JOURNAL))
    if path.exists() and (begun or resume):
        run = _read(path)
        if not resume:
            raise OutputDirectoryError(
                f"{shown} already holds a run, started {run.started}. Go on with it with --resume, or choose "
                "another --out."
            )
        if run.folder != folder.resolve() or run.recursive != recursive:
            how = "with" if run.recursive else "without"
            raise OutputDirectoryError(
                f"{shown} holds the run of {filenames.visible(str(run.folder))} {how} --recursive, not of this folder: "
                "choose another --out."
            )
        return run
    for name in (RESULTS, TABLE, REPORT):
        if (out / name).exists():
            raise OutputDirectoryError(
                f"{shown} holds {name} but no {RUN}: it is not the output of a run, and nothing in it is "
                "overwritten. Choose another --out."
            )
    run = RunManifest(
        id=secrets.token_hex(8),
        key=secrets.token_bytes(32),
        folder=folder.resolve(),
        recursive=recursive,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    _write(path, run)
    return run


def sync_directory(directory: Path) -> None:
    """Make new and renamed names in `directory` survive a loss of power."""
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> RunManifest:
    try:
        fields = json.loads(path.read_bytes())
        if fields["contract"] != CONTRACT_VERSION:
            raise OutputDirectoryError(
                f"{filenames.visible(str(path))} was written by another release (contract {fields['contract']}):"
                " finish the run with that one, or choose another --out."
            )
        return RunManifest(
            id=str(fields["run"]),
            key=bytes.fromhex(fields["key"]),
            folder=Path(filenames.from_fields(fields, "folder")),
            recursive=bool(fields["recursive"]),
            started=str(fields["started"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OutputDirectoryError(
            f"{filenames.visible(str(path))} cannot be understood: choose another --out."
        ) from error


def _write(path: Path, run: RunManifest) -> None:
    fields = {
        "contract": CONTRACT_VERSION,
        "run": run.id,
        "key": run.key.hex(),
        **filenames.to_fields(str(run.folder), "folder"),
        "recursive": run.recursive,
        "started": run.started,
    }
    temporary = path.with_suffix(".tmp")
    # The key turns names into job ids; others on this machine need not have it.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump(fields, file, indent=1)
        file.flush()
        os.fsync(handle)
    temporary.replace(path)
    sync_directory(path.parent)
