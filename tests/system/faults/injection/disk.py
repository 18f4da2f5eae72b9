"""Simulates a full disk for one process."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def full_disk(pid: int, file: Path) -> Iterator[None]:
    """Inside the context, the process cannot write beyond the size that `file` has now, in any file.

    This uses the kernel's limit on file sizes (RLIMIT_FSIZE), which needs no disk of our own. The process gets EFBIG
    where a full disk gives ENOSPC. It must ignore SIGXFSZ, as Python does.
    """
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (file.stat().st_size, before[1]))
    try:
        yield
    finally:
        # The process may have ended.
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
