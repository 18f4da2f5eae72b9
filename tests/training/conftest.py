"""Synthetic data and trained runs, made once for all tests of `training`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.fitting.trained_runs import TrainedRuns, train_runs
from tests.training.model.eager import run_eagerly
from tests.training.synthetic_data import write_data_sets

# TensorFlow reads this at import; level 2 hides its start-up messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the synthetic data, which tests only read."""
    return write_data_sets(tmp_path_factory.mktemp("data"))


@pytest.fixture
def eager() -> Iterator[None]:
    """TensorFlow runs each operation at once during the test."""
    with run_eagerly():
        yield


@pytest.fixture(scope="session")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedRuns:
    """Three short runs of the real backbone. Tests that use them run in one process, see `RUNS_GROUP`."""
    return train_runs(data, tmp_path_factory.mktemp("runs"))
