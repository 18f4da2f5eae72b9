"""Finds the predictions of a reduced precision whose answer another precision could change."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runtimes.base import PredictionBatch
from shared.model.artefact import Manifest, Population

#: How close to a threshold a score is uncertain, in log-odds. The errors that reduced precision leaves are about even
#: on this scale. docs/decisions/0009-mixed-precision.md has the measured errors; these margins cover 99.9 % of them.
PROBABILITY_MARGIN: Final = 0.11
#: The same for two kinds of lesions that are about as likely, in the logarithm of their ratio.
KIND_MARGIN: Final = 0.25
#: The same for the share of `no_lesion`, in log-odds.
NO_LESION_MARGIN: Final = 0.4
#: The same for the feature distance, as a share of the largest distance.
DISTANCE_MARGIN: Final = 0.02

#: Shares are rounded in float32, so those below this one say nothing.
_MIN_SHARE: Final = 1e-7


def find_uncertain_rows(predictions: PredictionBatch, manifest: Manifest) -> NDArray[np.bool_]:
    """Return for each row whether it lies so close to a threshold of `model.json` that its answer is uncertain.

    The thresholds are those of `shared.model.decision_rules`: bands, kinds, the largest distance, the refusal.
    """
    is_counted = [label.counts for label in manifest.labels]
    score = _log_odds(predictions.probabilities[:, is_counted].sum(axis=1))
    kinds = predictions.kinds
    no_lesion = manifest.kinds.names.index(manifest.kinds.no_lesion)
    lesion_kinds = np.delete(kinds, no_lesion, axis=1)
    names = [name for name in manifest.kinds.names if name != manifest.kinds.no_lesion]
    populations = {population.name: population for population in manifest.populations}
    uncertain = np.zeros(len(score), bool)
    for index, name in enumerate(names):
        selected = lesion_kinds.argmax(axis=1) == index
        uncertain |= selected & _is_near_band(score, predictions.distance, populations.get(name), manifest.populations)
    ordered = np.sort(np.log(np.maximum(lesion_kinds, _MIN_SHARE)), axis=1)
    if len(names) > 1:
        uncertain |= ordered[:, -1] - ordered[:, -2] < KIND_MARGIN
    if manifest.kinds.refuse_from is not None:
        above = _log_odds(kinds[:, no_lesion]) - _log_odds(np.float32(manifest.kinds.refuse_from))
        # An image that is certainly refused has no band.
        uncertain = (uncertain & (above < NO_LESION_MARGIN)) | (np.abs(above) < NO_LESION_MARGIN)
    return uncertain


def _is_near_band(
    score: NDArray[np.floating],
    distance: NDArray[np.floating],
    population: Population | None,
    populations: Sequence[Population],
) -> NDArray[np.bool_]:
    """Return whether the band is uncertain, by the rules of one kind of lesion."""
    # What belongs to no measured population is high if every population would call it high.
    outside = [max(known.bands.high_from for known in populations)]
    if population is None:
        return _is_near(score, outside)
    bands, excess = population.bands, distance / population.max_distance - 1
    is_near_inside = (excess < DISTANCE_MARGIN) & _is_near(score, [bands.low_below, bands.high_from])
    is_near_outside = (excess > -DISTANCE_MARGIN) & _is_near(score, outside)
    uncertain: NDArray[np.bool_] = is_near_inside | is_near_outside | (np.abs(excess) < DISTANCE_MARGIN)
    return uncertain


def _is_near(score: NDArray[np.floating], thresholds: Sequence[float]) -> NDArray[np.bool_]:
    margins = np.abs(score[:, None] - _log_odds(np.array(thresholds)))
    is_near: NDArray[np.bool_] = margins.min(axis=1) < PROBABILITY_MARGIN
    return is_near


def _log_odds(share: NDArray[np.floating] | np.floating) -> NDArray[np.floating]:
    clipped = np.clip(np.asarray(share, np.float64), _MIN_SHARE, 1 - _MIN_SHARE)
    return np.asarray(np.log(clipped / (1 - clipped)))
