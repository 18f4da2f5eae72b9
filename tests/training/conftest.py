"""Synthetic data, written once for all tests of `training`."""

import os
from pathlib import Path

import pytest

from tests.training.synthetic_data import write_data_sets

# TensorFlow reads this at import; level 2 hides its start-up messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the synthetic data, which tests only read."""
    return write_data_sets(tmp_path_factory.mktemp("data"))
