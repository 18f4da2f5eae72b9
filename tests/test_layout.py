"""Packages stay small enough to be read at a glance."""

import subprocess
from collections import defaultdict
from pathlib import Path

MAX_ENTRIES = 12


def package_entries() -> dict[Path, set[str]]:
    """Modules and subpackages of each package that git tracks, by its path. `__init__.py` is not counted."""
    tracked = subprocess.run(["git", "ls-files", "*.py"], capture_output=True, text=True, check=True).stdout.split()
    entries: dict[Path, set[str]] = defaultdict(set)
    for path in map(Path, tracked):
        if path.exists() and path.name not in ("__init__.py", "__main__.py"):
            for child in (path, *path.parents):
                # `tests` itself mirrors the packages at the top level, however many there are.
                if len(child.parts) > 1 and child.parent != Path("tests"):
                    entries[child.parent].add(child.name)
    return entries


def test_no_package_lists_more_than_twelve_entries() -> None:
    assert {str(path): sorted(names) for path, names in package_entries().items() if len(names) > MAX_ENTRIES} == {}
