"""The part of `model.json` about one population."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from runtimes.base import PredictionBatch
from shared.model.artefact import Population
from training.calibration.bands import choose_bands, choose_low_threshold, compute_reliability_bins
from training.calibration.distance import choose_max_distance
from training.calibration.kinds import KINDS
from training.calibration.population_calibration import PopulationCalibration
from training.data.sources import is_chosen_by_diagnosis
from training.errors import TrainingError
from training.exporting.calibration_inputs.calibration_data import LesionImages
from training.exporting.calibration_inputs.cross_fitting import CalibratedOutputs
from training.exporting.reported_metrics import counted_probability

#: Number of lesions of a label that counts that a source needs to choose a threshold: with 40, two may be missed.
MIN_COUNTED: Final = 40


def describe_population(
    name: str,
    calibration: PopulationCalibration,
    lesions: LesionImages,
    outputs: CalibratedOutputs | PredictionBatch,
    low_thresholds: Sequence[float] = (),
) -> Population:
    """Choose bands, reliability bins and the largest distance of a population.

    Only lesions of which the model names the right kind are used. Bands and reliability bins come from the sources
    whose lesions were not chosen by diagnosis. The threshold of the low band is lowered until it keeps its sensitivity
    in every source, and to each of `low_thresholds`.

    `lesions` are lesions of the population that the model was not trained on, and `outputs` its outputs for them.
    `name` is also the name of the kind.

    Raises:
        TrainingError: The model names the right kind of no lesion, or all lesions are malignant or none is.
    """
    is_named = outputs.kinds.argmax(axis=1) == KINDS.names.index(name)
    if not is_named.any():
        raise TrainingError(f"None of the held-out {name} lesions is taken for one: kinds cannot be told apart.")
    probabilities = counted_probability(outputs.probabilities)
    is_counted, sources = lesions.is_counted, np.array([image.source for image in lesions.images])
    is_natural = is_named & ~np.array([is_chosen_by_diagnosis(source) for source in sources])
    if not 0 < is_counted[is_natural].sum() < is_natural.sum():
        raise TrainingError(f"The held-out {name} lesions are all malignant, or none is: bands need both.")
    of_sources = [
        choose_low_threshold(probabilities[rows], is_counted[rows])
        for source in dict.fromkeys(sources.tolist())
        if is_counted[rows := is_named & (sources == source)].sum() >= MIN_COUNTED
    ]
    return Population(
        name=name,
        temperature=calibration.scaling.temperature,
        max_distance=choose_max_distance(outputs.distance[is_named]),
        bands=choose_bands(
            probabilities[is_natural], is_counted[is_natural], min((*of_sources, *low_thresholds), default=1.0)
        ),
        reliability=compute_reliability_bins(probabilities[is_natural], is_counted[is_natural]),
    )
