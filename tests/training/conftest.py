"""Made data, once for all tests of the room."""

import os
from pathlib import Path

import pytest

from tests.training.synthetic_data import write_data_sets

# TensorFlow reads it when it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the made data. Tests only read it."""
    return write_data_sets(tmp_path_factory.mktemp("data"))
