"""One house for all faults: starting it takes longer than most of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.many import render_many
from tests.system.conftest import link_first
from tests.system.faults.faulty_stack import FaultyStack

#: Enough for a fault to fall into the middle of the run.
_IMAGES = 300


@pytest.fixture(scope="package")
def faulty_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyStack]:
    images = tmp_path_factory.mktemp("pictures")
    render_many(images, 2, size=(640, 480), seed=5)
    with FaultyStack(
        tmp_path_factory.mktemp("house"), [path.read_bytes() for path in images.iterdir()]
    ) as faulty_stack:
        yield faulty_stack


@pytest.fixture(scope="package")
def small_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the photographs of `folder`."""
    return link_first(_IMAGES, folder, tmp_path_factory.mktemp("few"))
