"""Fixtures for file permissions. Root may access every file, so tests that run as root become the user nobody."""

import codecs
import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DropPrivileges = Callable[[], contextlib.AbstractContextManager[None]]

_NOBODY = 65534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter. Those of pytest are closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix="melanoma-"))
    folder.chmod(0o755)
    yield folder
    for path in folder.iterdir():
        path.chmod(0o700)
    shutil.rmtree(folder)


@pytest.fixture
def drop_privileges() -> DropPrivileges:
    """In its `with` block the process has the rights of an ordinary user."""

    @contextlib.contextmanager
    def drop() -> Iterator[None]:
        user = os.geteuid()
        # Python may lie where only root reads. What it fails to import once, it reports as unknown from then on.
        codecs.lookup("ascii")
        if user == 0:
            os.seteuid(_NOBODY)
        try:
            yield
        finally:
            os.seteuid(user)

    return drop
