"""One stack for all faults, because starting it takes longer than most faults."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.image_set import render_many
from tests.system.conftest import link_first
from tests.system.faults.faulty_stack import FaultyStack

#: Enough that a fault can fall into the middle of a run.
_IMAGES = 300


@pytest.fixture(scope="package")
def faulty_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyStack]:
    images = tmp_path_factory.mktemp("images")
    render_many(images, 2, size=(640, 480), seed=5)
    with FaultyStack(
        tmp_path_factory.mktemp("stack"), [path.read_bytes() for path in images.iterdir()]
    ) as faulty_stack:
        yield faulty_stack


@pytest.fixture(scope="package")
def small_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first photographs of `folder`."""
    return link_first(_IMAGES, folder, tmp_path_factory.mktemp("small"))
