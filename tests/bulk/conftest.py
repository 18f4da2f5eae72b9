"""Fixtures for file permissions, which do not bind root: tests drop to nobody where they run as root."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

AsAnyone = Callable[[], contextlib.AbstractContextManager[None]]

_NOBODY = 65534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; those of pytest are closed to others."""
    made = Path(tempfile.mkdtemp(prefix="melanoma-"))
    made.chmod(0o755)
    yield made
    for path in made.iterdir():
        path.chmod(0o700)
    shutil.rmtree(made)


@pytest.fixture
def as_anyone() -> AsAnyone:
    """Inside of its `with` block the process has the rights of an ordinary user."""

    @contextlib.contextmanager
    def drop() -> Iterator[None]:
        before = os.geteuid()
        if before == 0:
            os.seteuid(_NOBODY)
        try:
            yield
        finally:
            os.seteuid(before)

    return drop
