"""Folders of images and service stacks for the system tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.image_set import render_many
from tests.system.support.stack import ServiceStack

#: Enough that a fault can fall into the middle of a run.
IMAGES = 2000
_DISTINCT_IMAGES = 40


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 photographs: hard links to 40 files."""
    originals = tmp_path_factory.mktemp("originals")
    render_many(originals, _DISTINCT_IMAGES, size=(320, 240), seed=3)
    sources = sorted(originals.iterdir())
    linked = tmp_path_factory.mktemp("photographs")
    for number in range(IMAGES):
        os.link(sources[number % _DISTINCT_IMAGES], linked / f"{number:04}.jpg")
    return linked


def link_first(count: int, source: Path, target: Path) -> Path:
    """Link the first photographs of a folder into `target`, and return `target`."""
    for path in sorted(source.iterdir())[:count]:
        os.link(path, target / path.name)
    return target


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[ServiceStack]:
    """A stack without workers yet."""
    with ServiceStack(tmp_path) as stack:
        yield stack


@pytest.fixture(scope="module")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceStack]:
    """The stack of all tests of a module that use `serving_stack`."""
    with ServiceStack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture
def serving_stack(shared_stack: ServiceStack) -> ServiceStack:
    """A stack with one worker. Tests of a module share it: starting a worker takes longer than most of them."""
    shared_stack.restore()
    return shared_stack
