"""Number of CPU cores that this process may use."""

import os
from pathlib import Path
from typing import Final

from shared.config.control_groups import CGROUPS, OWN_CGROUPS, group_directories

#: Set by the supervisor of several worker processes: the share of one of them.
CORES_VARIABLE: Final = "WORKER_CORES"

#: More cores than any machine has. Infinity could not be rounded to an integer.
_NO_QUOTA: Final = float(2**31)


def usable_cores() -> int:
    """Cores by CPU affinity and by the quota of the control group (cgroup v1 or v2), at least 1.

    `os.cpu_count` counts the cores of the machine. In a container with `--cpus 1` on a machine of 64 cores, 64 threads
    would compete for one core. A quota of one and a half cores counts as one. A worker that is one of several processes
    gets a share.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = int(os.environ.get(CORES_VARIABLE, affinity))
    return max(1, min(affinity, int(cpu_quota()), share))


def cpu_quota(cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS) -> float:
    """The smallest quota in cores of this process's control group and its ancestors.

    Without a quota this is more than any machine has.
    """
    readers = {1: _read_quota_v1, 2: _read_quota_v2}
    quotas = (readers[group.version](group.path) for group in group_directories("cpu", cgroups, own))
    return min(quotas, default=_NO_QUOTA)


def _read_quota_v2(path: Path) -> float:
    """`cpu.max` holds the quota, or `max`, and the period, both in microseconds."""
    try:
        quota, period = (path / "cpu.max").read_text(encoding="utf-8").split()
        return _NO_QUOTA if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return _NO_QUOTA


def _read_quota_v1(path: Path) -> float:
    """A quota of -1 stands for no quota."""
    try:
        quota = int((path / "cpu.cfs_quota_us").read_text(encoding="utf-8"))
        period = int((path / "cpu.cfs_period_us").read_text(encoding="utf-8"))
        return quota / period if quota > 0 else _NO_QUOTA
    except (OSError, ValueError, ZeroDivisionError):
        return _NO_QUOTA
