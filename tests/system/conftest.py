"""Folders of pictures and houses for the system tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.many import render_many
from tests.system.stack import House

#: Enough for a fault to fall into the middle of the run.
PICTURES = 2000
_DIFFERENT = 40


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 photographs, many of them the same file by another name."""
    originals = tmp_path_factory.mktemp("originals")
    render_many(originals, _DIFFERENT, size=(320, 240), seed=3)
    sources = sorted(originals.iterdir())
    made = tmp_path_factory.mktemp("photographs")
    for number in range(PICTURES):
        os.link(sources[number % _DIFFERENT], made / f"{number:04}.jpg")
    return made


def first(count: int, of: Path, made: Path) -> Path:
    """Link the first photographs of a folder into the folder `made`, and return that."""
    for path in sorted(of.iterdir())[:count]:
        os.link(path, made / path.name)
    return made


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A broker without workers yet."""
    with House(tmp_path) as made:
        yield made
