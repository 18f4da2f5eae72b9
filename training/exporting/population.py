"""The part of `model.json` about one population."""

from runtimes.base import PredictionBatch
from shared.model.artefact import Population
from training.calibration.bands import choose_bands, compute_reliability_bins
from training.calibration.distance import choose_max_distance
from training.calibration.kinds import KINDS
from training.calibration.population_calibration import PopulationCalibration
from training.errors import TrainingError
from training.exporting.calibration_inputs.calibration_data import LesionImages
from training.exporting.calibration_inputs.cross_fitting import CalibratedOutputs
from training.exporting.reported_metrics import counted_probability


def describe_population(
    name: str, calibration: PopulationCalibration, lesions: LesionImages, outputs: CalibratedOutputs | PredictionBatch
) -> Population:
    """Choose bands, reliability bins and the largest distance of a population.

    Only lesions of which the model names the right kind are used.

    `lesions` are lesions of the population that the model was not trained on, and `outputs` its outputs for them.
    `name` is also the name of the kind.

    Raises:
        TrainingError: The model names the right kind of no lesion.
    """
    is_named = outputs.kinds.argmax(axis=1) == KINDS.names.index(name)
    if not is_named.any():
        raise TrainingError(f"None of the held-out {name} lesions is taken for one: kinds cannot be told apart.")
    probabilities, is_counted = counted_probability(outputs.probabilities[is_named]), lesions.is_counted[is_named]
    return Population(
        name=name,
        temperature=calibration.scaling.temperature,
        max_distance=choose_max_distance(outputs.distance[is_named]),
        bands=choose_bands(probabilities, is_counted),
        reliability=compute_reliability_bins(probabilities, is_counted),
    )
