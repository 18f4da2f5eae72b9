"""The calibration of one population."""

from dataclasses import dataclass

from training.calibration.distance import FeatureDistance
from training.calibration.temperature_scaling import TemperatureScaling


@dataclass(frozen=True)
class PopulationCalibration:
    """Calibration of one population's probabilities, and the distance from its training images."""

    scaling: TemperatureScaling
    distance: FeatureDistance
