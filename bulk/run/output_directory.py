"""The output directory: it holds one run of one folder, and one process at a time writes to it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from bulk import filenames
from bulk.atomic_file import sync
from bulk.results.results_file import read_lines
from bulk.run.manifest import ManifestError, RunManifest
from shared.contract.run_files import CSV_TABLE, LOCK, MANIFEST, REPORT, RESULTS


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
    """Start a run in `out`, or return the one to resume. Raises `OutputDirectoryError` and `OSError`.

    A run that has no row yet holds nothing that could be overwritten or mixed up. It is continued if it is of the same
    folder, and otherwise replaced.
    """
    if (out / MANIFEST).exists():
        run = _existing_run(out, folder, recursive=recursive, resume=resume)
        if run is not None:
            return run
    elif name := next((name for name in (RESULTS, CSV_TABLE, REPORT) if (out / name).exists()), None):
        raise OutputDirectoryError(
            f"{filenames.visible(str(out))} holds {name} but no {MANIFEST}: it is not the output of a run, and"
            " nothing in it is overwritten. Choose another --out."
        )
    run = RunManifest.create(folder, recursive=recursive)
    run.write(out / MANIFEST)
    sync(out)
    return run


def _existing_run(out: Path, folder: Path, *, recursive: bool, resume: bool) -> RunManifest | None:
    """The run in `out`; None if it may be replaced by another."""
    shown = filenames.visible(str(out))
    is_empty = next(read_lines(out / RESULTS), None) is None
    try:
        run = RunManifest.read(out / MANIFEST)
    except ManifestError as error:
        if is_empty:
            return None
        raise OutputDirectoryError(str(error)) from error
    is_same = run.folder == folder.resolve() and run.recursive == recursive
    if is_empty:
        return run if is_same else None
    if not is_same:
        option = "with" if run.recursive else "without"
        raise OutputDirectoryError(
            f"{shown} holds another run, of {filenames.visible(str(run.folder))} {option} --recursive: "
            "choose another --out."
        )
    if not resume:
        raise OutputDirectoryError(
            f"{shown} already holds a run, started {run.started}. Continue it with --resume, or choose another --out."
        )
    return run
