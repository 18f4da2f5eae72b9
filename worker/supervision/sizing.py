"""Chooses how many worker processes share a machine."""

from dataclasses import dataclass
from typing import Final

from shared.config.container_memory import usable_memory
from shared.config.usable_cores import usable_cores

#: The value of the setting `processes` that chooses the number.
AUTO: Final = "auto"

#: Cores that one process keeps busy. Above it the interpreter's lock is the limit: on a host of 16 cores one process
#: reached half of the rate that four reached.
_CORES_PER_PROCESS: Final = 4

#: Bytes that one process takes, with its images and one artefact. A decode of a huge image may take more for a while
#: (`MELANOMA_DECODE_MAX_MEMORY`).
_MEMORY_PER_PROCESS: Final = 2**30


@dataclass(frozen=True, slots=True)
class Sizing:
    """Number of processes, the cores of each, and what limits the number."""

    processes: int
    cores_each: int
    limited_by: str


def choose_sizing(processes: str) -> Sizing:
    """Size the processes for this machine.

    Args:
        processes: A number, or `auto`: one process for each four cores, as far as the memory suffices.
    """
    cores = usable_cores()
    if processes != AUTO:
        count, limited_by = int(processes), "the setting"
    else:
        count, limited_by = -(-cores // _CORES_PER_PROCESS), "cores"
        fitting = max(1.0, usable_memory() // _MEMORY_PER_PROCESS)
        if fitting < count:
            count, limited_by = int(fitting), "memory"
    return Sizing(count, max(1, cores // count), limited_by)
