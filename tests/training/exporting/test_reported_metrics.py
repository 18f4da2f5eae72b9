from dataclasses import replace

import numpy as np
import pytest

from shared.model.artefact import read_artefact
from tests.training.evaluation.conftest import SHIPPED
from tests.training.evaluation.factories import make_calibrated_set
from training.data.records.labelled_image import Population
from training.evaluation.measures.task_metrics import measure_task
from training.evaluation.tasks import Task
from training.exporting.reported_metrics import measure_phone


def test_intervals_of_the_manifest_are_those_of_the_card() -> None:
    """Both draw whole patients, of whom each has five lesions here."""
    manifest = read_artefact(SHIPPED)
    scored_set = make_calibrated_set(200, manifest, population=Population.PHONE)
    images = [replace(image, group=str(index // 5)) for index, image in enumerate(scored_set.images)]
    metrics = measure_phone(images, scored_set.probabilities)
    results = {task: measure_task(task, replace(scored_set, images=images), manifest) for task in Task}
    malignant, counted = results[Task.MALIGNANT], results[Task.COUNTED]
    assert malignant is not None
    assert counted is not None
    assert metrics["phone_out_of_fold.malignant_auc"] == malignant.figures["auc"]
    assert metrics["phone_out_of_fold.counted_auc"] == counted.figures["auc"]
    assert metrics["phone_out_of_fold.calibration_error"] == counted.figures["ece"]
    by_lesion = measure_phone(scored_set.images, scored_set.probabilities)
    assert by_lesion["phone_out_of_fold.malignant_auc"].low != pytest.approx(malignant.figures["auc"].low, abs=1e-6)
    assert np.isfinite(malignant.figures["auc"].low or np.nan)
