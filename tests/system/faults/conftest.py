"""One house for all faults: starting it takes longer than most of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.many import render_many
from tests.system.conftest import first
from tests.system.faults.faulty_stack import ShakenHouse

#: Enough for a fault to fall into the middle of the run.
_FEW = 300


@pytest.fixture(scope="package")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShakenHouse]:
    images = tmp_path_factory.mktemp("pictures")
    render_many(images, 2, size=(640, 480), seed=5)
    with ShakenHouse(tmp_path_factory.mktemp("house"), [path.read_bytes() for path in images.iterdir()]) as house:
        yield house


@pytest.fixture(scope="package")
def few(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the photographs of `folder`."""
    return first(_FEW, folder, tmp_path_factory.mktemp("few"))
