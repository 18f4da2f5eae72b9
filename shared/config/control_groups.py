"""Directories of this process's control groups (cgroup v1 and v2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
OWN_CGROUPS: Final = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class GroupDirectory:
    """A directory with the files of a control group. The files of the two versions have different names."""

    path: Path
    version: int


def group_directories(controller: str, cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS) -> Iterator[GroupDirectory]:
    """The directories of this process's group and of its ancestors, from the group outwards.

    Args:
        controller: What the group limits, such as `cpu` or `memory`.
        cgroups: Where the control groups are mounted. In a container this is usually the container's own group.
        own: File that names the control groups of this process.
    """
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:
            yield from (GroupDirectory(path, 2) for path in _with_ancestors(cgroups, group))
        elif controller in controllers.split(","):
            yield from (GroupDirectory(path, 1) for path in _with_ancestors(cgroups / controller, group))


def _with_ancestors(mount: Path, group: str) -> Iterator[Path]:
    path = mount / group.lstrip("/")
    # A container sees the name of its group on the host, but only its own group is mounted.
    yield from (parent for parent in (path, *path.parents) if parent.is_relative_to(mount))
