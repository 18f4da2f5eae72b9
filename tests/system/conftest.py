"""Folders of pictures and houses for the system tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.many import render_many
from tests.system.stack import ServiceStack

#: Enough for a fault to fall into the middle of the run.
IMAGES = 2000
_DISTINCT_IMAGES = 40


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 photographs, many of them the same file by another name."""
    originals = tmp_path_factory.mktemp("originals")
    render_many(originals, _DISTINCT_IMAGES, size=(320, 240), seed=3)
    sources = sorted(originals.iterdir())
    linked = tmp_path_factory.mktemp("photographs")
    for number in range(IMAGES):
        os.link(sources[number % _DISTINCT_IMAGES], linked / f"{number:04}.jpg")
    return linked


def link_first(count: int, of: Path, linked: Path) -> Path:
    """Link the first photographs of a folder into the folder `made`, and return that."""
    for path in sorted(of.iterdir())[:count]:
        os.link(path, linked / path.name)
    return linked


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[ServiceStack]:
    """A broker without workers yet."""
    with ServiceStack(tmp_path) as linked:
        yield linked
