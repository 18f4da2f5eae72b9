"""Copies of the repository in which files are mutated, so that no change is ever left behind in the original."""

import compileall
import os
import py_compile
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def copy_repository(root: Path, target: Path) -> None:
    """Copy what git tracks or would track to `target`, with compiled modules.

    The compiled modules are compared with their sources by hash. By the time of the last change, which is the default,
    a mutant of the same length written in the same second would run as the original.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source, copied = root / name, target / name
        if source.is_file():
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copied)
    compileall.compile_dir(target, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)


@contextmanager
def mutated(path: Path, source: str) -> Iterator[None]:
    """Replace the text of a file in a copy for the time of the context."""
    original = path.read_text()
    path.write_text(source)
    try:
        yield
    finally:
        path.write_text(original)


def environment_of(copy: Path) -> dict[str, str]:
    """Environment of a process that imports our packages from a copy, and tries few examples of each property."""
    path = os.pathsep.join(filter(None, [str(copy), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, "HYPOTHESIS_PROFILE": "mutants"}
