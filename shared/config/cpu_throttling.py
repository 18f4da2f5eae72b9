"""How often the kernel holds this process back because its control group has used up its CPU quota."""

from collections import deque
from pathlib import Path
from typing import Final

from shared.config.control_groups import CGROUPS, OWN_CGROUPS, group_directories

#: Samples that are kept: of a minute, if one is taken every second.
_MAX_SAMPLES: Final = 60

#: Name of the file with the counters, in both versions.
_STATISTICS_FILE: Final = "cpu.stat"

#: Periods in which a group had something to run, and those of them in which it used up its quota. A period is 0.1 s
#: unless somebody chose another one.
_Periods = tuple[int, int]


class CpuThrottling:
    """The share of the recent periods in which the CPU quota was used up."""

    def __init__(self, cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS) -> None:
        self._files = [group.path / _STATISTICS_FILE for group in group_directories("cpu", cgroups, own)]
        self._samples: deque[list[_Periods]] = deque(maxlen=_MAX_SAMPLES)

    def sample(self) -> float:
        """Read the counters; the share since the oldest reading that is kept, 0 to 1.

        The quota may be that of the process's control group or of an ancestor, so the largest share counts. Without a
        quota it is 0.
        """
        self._samples.append([_read_periods(file) for file in self._files])
        return max(map(_throttled_share, self._samples[0], self._samples[-1]), default=0.0)


def _throttled_share(before: _Periods, after: _Periods) -> float:
    periods = after[0] - before[0]
    return (after[1] - before[1]) / periods if periods > 0 else 0.0


def _read_periods(file: Path) -> _Periods:
    try:
        counters = dict(line.split() for line in file.read_text(encoding="utf-8").splitlines())
        return int(counters["nr_periods"]), int(counters["nr_throttled"])
    except (OSError, ValueError, KeyError):
        return 0, 0
