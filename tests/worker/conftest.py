"""Fixtures of the worker's tests: the shipped artefact's manifest and a predictor of its shape."""

from pathlib import Path

import pytest

from shared.model.artefact import Manifest, read_artefact
from tests.worker.scripted_predictor import ScriptedPredictor

ARTEFACT = Path("models/lite0")


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    return read_artefact(ARTEFACT)


@pytest.fixture
def predictor(manifest: Manifest) -> ScriptedPredictor:
    return ScriptedPredictor(manifest)
