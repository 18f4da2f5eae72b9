"""The control loop reports an artefact that it refuses, and does not try it again."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from shared.config.overrides import SettingsOverrides
from shared.config.settings import Settings, SettingsError
from shared.ledger.ledger import Ledger
from shared.model.artefact import ArtefactError
from tests.worker.serving.test_postprocessing import MANIFEST
from worker.serving.model_manager import LoadedModel, ModelManager
from worker.serving.reconciler import Reconciler


@pytest.mark.parametrize("error", [ArtefactError("damaged"), SettingsError("another format")])
def test_refused_artefact_is_reported_and_tried_once(error: Exception) -> None:
    attempts: list[Path] = []

    def load(directory: Path) -> LoadedModel:
        attempts.append(directory)
        raise error

    model = LoadedModel(Path("old"), MANIFEST, "toy", "CPU:0", cast("Any", None), cast("Any", None))
    manager = ModelManager(model, load)
    reconciler = Reconciler(cast("Ledger", None), manager, SettingsOverrides(Settings()), incarnation="worker-1")
    for _ in range(3):
        reconciler._apply_desired_model(Path("new"))
    status = json.loads(reconciler._get_status())
    assert (status["artefact"], status["runtime"], status["device"]) == (MANIFEST.title, "toy", "CPU:0")
    assert (status["refusing"], status["refused"]) == ("new", str(error))
    assert attempts == [Path("new")]
