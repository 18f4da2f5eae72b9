"""The output directory: it holds one run of one folder, and one process at a time writes to it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from bulk import filenames
from bulk.run.manifest import ManifestError, RunManifest
from shared.contract.run_files import CSV_TABLE, JOURNAL, LOCK, MANIFEST, REPORT, RESULTS


class OutputDirectoryError(Exception):
    """Raised when results cannot go to a directory. The message is a sentence or two for the user."""


def default_output(folder: Path) -> Path:
    """`<name of folder>-results` in the working directory."""
    return Path(f"{folder.resolve().name or 'root'}-results")


@contextlib.contextmanager
def lock_directory(out: Path) -> Iterator[None]:
    """Make `out` and lock it for this process.

    Raises `OutputDirectoryError` if another process holds the lock, and `OSError`.
    """
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
    """Start a run in `out`, or return the one to resume. Raises `OutputDirectoryError` and `OSError`."""
    path = out / MANIFEST
    # A start that failed before its first image, perhaps because of a wrong password, leaves nothing to resume.
    has_results = any((out / name).exists() for name in (RESULTS, JOURNAL))
    if path.exists() and (has_results or resume):
        return _existing_run(out, folder, recursive=recursive, resume=resume)
    for name in (RESULTS, CSV_TABLE, REPORT):
        if (out / name).exists():
            raise OutputDirectoryError(
                f"{filenames.visible(str(out))} holds {name} but no {MANIFEST}: it is not the output of a run, and"
                " nothing in it is overwritten. Choose another --out."
            )
    run = RunManifest.create(folder, recursive=recursive)
    run.write(path)
    sync_directory(out)
    return run


def sync_directory(directory: Path) -> None:
    """Make new and renamed files in `directory` survive a loss of power."""
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _existing_run(out: Path, folder: Path, *, recursive: bool, resume: bool) -> RunManifest:
    shown = filenames.visible(str(out))
    try:
        run = RunManifest.read(out / MANIFEST)
    except ManifestError as error:
        raise OutputDirectoryError(str(error)) from error
    if not resume:
        raise OutputDirectoryError(
            f"{shown} already holds a run, started {run.started}. Continue it with --resume, or choose another --out."
        )
    if run.folder != folder.resolve() or run.recursive != recursive:
        option = "with" if run.recursive else "without"
        raise OutputDirectoryError(
            f"{shown} holds another run, of {filenames.visible(str(run.folder))} {option} --recursive: "
            "choose another --out."
        )
    return run
