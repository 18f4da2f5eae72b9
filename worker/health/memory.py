"""Checks at the start whether the worker's memory limit suffices."""

import re
from pathlib import Path
from typing import Final

import structlog

from shared.config.settings import SettingsError

log = structlog.get_logger(__name__)

#: Bytes that the process, the runtime and the shipped artefact take. With less a worker is killed before it is ready.
MIN_MEMORY: Final = 512 << 20


def check_memory_limit(limit: float) -> None:
    """Raise `SettingsError` if no worker can run with `limit` bytes of memory."""
    if limit < MIN_MEMORY:
        raise SettingsError(
            f"the memory limit of {int(limit) >> 20} MiB is too small: a worker needs {MIN_MEMORY >> 20} MiB, and twice"
            " MELANOMA_DECODE_MAX_MEMORY on top. Raise the container's limit (mem_limit, resources.limits.memory)."
        )


def warn_of_small_limit(limit: float, decode_max_memory: int, used: int | None = None) -> None:
    """Log a warning if large images could take more memory than `limit`. Call it once the artefact is loaded.

    Args:
        limit: Bytes that the worker may use.
        decode_max_memory: Bytes that decodes take at most: once in the worker and once in its child processes.
        used: Bytes that the worker uses already; by default they are read.
    """
    needed = (used_bytes() if used is None else used) + 2 * decode_max_memory
    if needed > limit:
        log.warning(
            "the memory limit is small: the kernel may kill this worker while it decodes large images;"
            " raise the limit or lower MELANOMA_DECODE_MAX_MEMORY",
            limit_mib=int(limit) >> 20,
            needed_mib=needed >> 20,
        )


def used_bytes() -> int:
    """Memory that this process has allocated. Files that it maps are not counted. 0 where it cannot be read."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r"^RssAnon:\s+(\d+) kB$", status, flags=re.MULTILINE)
    return int(found[1]) << 10 if found else 0
