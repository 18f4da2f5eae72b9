"""All that turns the model's output for one population into what is said."""

from dataclasses import dataclass

from training.calibration.distance import FeatureDistance
from training.calibration.temperature_scaling import TemperatureScaling


@dataclass(frozen=True)
class PopulationCalibration:
    """How pictures of one population are judged: their calibration, and their distance from what was trained on."""

    scaling: TemperatureScaling
    distance: FeatureDistance
