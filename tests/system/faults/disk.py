"""A full disk as one process sees it."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def full_disk(pid: int, file: Path) -> Iterator[None]:
    """While this lasts, the process can make no file larger than `file` is now: each write beyond fails.

    The kernel's limit (RLIMIT_FSIZE), which needs no disk of our own: the process gets EFBIG where a full disk gives
    ENOSPC. It must ignore SIGXFSZ, as Python does.
    """
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (file.stat().st_size, before[1]))
    try:
        yield
    finally:
        # A process that ended needs no room any more.
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
