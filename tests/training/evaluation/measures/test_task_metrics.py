from dataclasses import replace

import numpy as np

from shared.model.artefact import Manifest, read_artefact
from tests.training.evaluation.conftest import SHIPPED
from tests.training.evaluation.factories import make_calibrated_set
from training.data.records.labelled_image import Population
from training.evaluation.measures.task_metrics import measure_task
from training.evaluation.tasks import Task


def make_manifest() -> Manifest:
    """The shipped manifest with a low band that ends at 0.4 for dermatoscope pictures and at 0.1 for phone pictures."""
    manifest = read_artefact(SHIPPED)
    populations = []
    for population, low in zip(manifest.populations, (0.4, 0.1), strict=True):
        bands = population.bands.model_copy(update={"low_below": low, "high_from": 0.9})
        populations.append(population.model_copy(update={"bands": bands, "max_distance": 2.0}))
    return manifest.model_copy(update={"populations": tuple(populations)})


def measure_sensitivity(kind: int, distance: float) -> float:
    """Share of malignant phone lesions not called low, if each has 0.3 and is taken for this kind at this distance."""
    manifest = make_manifest()
    scored_set = make_calibrated_set(60, manifest, population=Population.PHONE)
    probabilities = np.zeros_like(scored_set.probabilities)
    probabilities[:, 0], probabilities[:, -1] = 0.3, 0.7
    kinds = np.eye(3)[np.full(60, kind)]
    changed = replace(scored_set, probabilities=probabilities, kinds=kinds, distance=np.full(60, distance))
    result = measure_task(Task.COUNTED, changed, manifest)
    assert result is not None
    return result.operating[0].figures["sensitivity"].value


def test_bands_are_those_of_the_population_that_a_lesion_is_taken_for() -> None:
    dermatoscope, phone, no_lesion = range(3)
    assert measure_sensitivity(phone, 1.0) == 1
    assert measure_sensitivity(dermatoscope, 1.0) == 0
    # Far from all pictures, or refused: never low.
    assert measure_sensitivity(dermatoscope, 3.0) == 1
    assert measure_sensitivity(no_lesion, 1.0) == 1
    # A distance that is not known counts as near.
    assert measure_sensitivity(dermatoscope, np.nan) == 0
