"""The memory that this process may use, and the number of processes that the kernel killed for lack of it."""

from pathlib import Path
from typing import Final

from shared.config.control_groups import CGROUPS, OWN_CGROUPS, GroupDirectory, group_directories

#: Name of the file with the limit, by version.
_LIMIT_FILE: Final = {1: "memory.limit_in_bytes", 2: "memory.max"}
#: Name of the file with the memory in use, by version.
_USAGE_FILE: Final = {1: "memory.usage_in_bytes", 2: "memory.current"}
#: Name of the file that counts the killed processes, by version.
_EVENTS_FILE: Final = {1: "memory.oom_control", 2: "memory.events"}

_MEMINFO: Final = Path("/proc/meminfo")


def usable_memory(meminfo: Path = _MEMINFO, cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS) -> float:
    """Bytes that are free or can be freed, by the machine and by the limits of this process's control groups.

    Infinity where neither says anything.
    """
    groups = group_directories("memory", cgroups, own)
    return min([_read_available(meminfo), *(max(0.0, _read_limit(group) - _read_usage(group)) for group in groups)])


def memory_limit(cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS) -> float:
    """The smallest memory limit in bytes of this process's control group and its ancestors; infinity without one."""
    return min((_read_limit(group) for group in group_directories("memory", cgroups, own)), default=float("inf"))


def count_oom_kills(cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS) -> int:
    """Return how many processes of this process's control group the kernel has killed for lack of memory."""
    counts = (_read_oom_kills(group) for group in group_directories("memory", cgroups, own))
    return next((count for count in counts if count is not None), 0)


def _read_limit(group: GroupDirectory) -> float:
    try:
        text = (group.path / _LIMIT_FILE[group.version]).read_text(encoding="utf-8").strip()
        # Version 1 gives a number near 2**63 where there is no limit.
        return float("inf") if text == "max" or int(text) >= 2**60 else float(text)
    except (OSError, ValueError):
        return float("inf")


def _read_usage(group: GroupDirectory) -> int:
    try:
        return int((group.path / _USAGE_FILE[group.version]).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def _read_available(meminfo: Path) -> float:
    try:
        lines = meminfo.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return float("inf")


def _read_oom_kills(group: GroupDirectory) -> int | None:
    try:
        lines = (group.path / _EVENTS_FILE[group.version]).read_text(encoding="utf-8").splitlines()
        return int(dict(line.split() for line in lines)["oom_kill"])
    except (OSError, ValueError, KeyError):
        return None
