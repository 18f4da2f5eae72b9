"""All that turns the model's output for one population into what is said."""

from dataclasses import dataclass

from training.calibration.calibrate import Calibration
from training.calibration.distance import Distance


@dataclass(frozen=True)
class Judgement:
    """How pictures of one population are judged: their calibration, and their distance from what was trained on."""

    calibration: Calibration
    distance: Distance
