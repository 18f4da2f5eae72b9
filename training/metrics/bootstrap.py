"""Intervals: figures are measured again on sets drawn from the same pictures."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.model.artefact import Metric

Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
#: One row a draw, one column a picture: how often the draw has it. [draws, pictures]
DrawWeights = npt.NDArray[np.float64]
#: Measures each draw: weights [draws, pictures] to one value a draw, float [draws]; nan where it is not defined.
MetricFunction = Callable[[DrawWeights], Floats]
#: Measures several figures of each draw, by their names.
MetricsFunction = Callable[[DrawWeights], dict[str, Floats]]

#: The ends of a 95 % interval move by less than 0.002 between seeds.
DRAW_COUNT: Final = 2000
#: The one seed of all intervals.
SEED: Final = 0
_INTERVAL: Final = (2.5, 97.5)
#: Draws measured at once: bounds the memory to a few hundred megabytes for ten thousand pictures.
_CHUNK: Final = 250


def draw_weights(
    positive: Flags, groups: Sequence[str] | None = None, count: int = DRAW_COUNT, seed: int = SEED
) -> DrawWeights:
    """Draw sets as large as the given one, with replacement, apart among the positive and the others.

    With `groups` [n], a patient or lesion each, whole groups are drawn, apart among those with a positive picture and
    those without: pictures of one patient are no independent witnesses (Field and Welsh 2007).
    """
    rng = np.random.default_rng(seed)
    _, members = np.unique(np.arange(len(positive)) if groups is None else np.asarray(groups), return_inverse=True)
    has_positive = np.bincount(members, weights=positive) > 0
    often = np.zeros((count, len(has_positive)))
    for stratum in (np.flatnonzero(has_positive), np.flatnonzero(~has_positive)):
        if len(stratum):
            often[:, stratum] = rng.multinomial(len(stratum), np.full(len(stratum), 1 / len(stratum)), size=count)
    return often[:, members]


def metric_with_interval(function: MetricFunction, weights: DrawWeights, *, basic: bool = False) -> Metric | None:
    """The figure of all pictures, each once, with its 95 % percentile interval over the draws `weights`.

    None where the figure is not defined. Draws in which it is not defined are left out. `reflected` turns the interval
    around the value (the basic bootstrap of Davison and Hinkley 1997, chapter 5), cut at 0: right for an error that
    any resampling makes larger.
    """
    found = metrics_with_intervals(lambda some: {"": function(some)}, weights).get("")
    if found is None or not basic or found.low is None or found.high is None:
        return found
    low, high = (max(0.0, 2 * found.value - end) for end in (found.high, found.low))
    return found.model_copy(update={"low": low, "high": high})


def metrics_with_intervals(functions: MetricsFunction, weights: DrawWeights) -> dict[str, Metric]:
    """`metric` of several figures that are measured together, by their names; without those that are not defined."""
    images = weights.shape[1]
    once = functions(np.ones((1, images))) if images else {}
    parts = [functions(some) for some in _chunks(weights)] if once else []
    found = {}
    for name, value in once.items():
        if not np.isnan(value[0]):
            low, high = np.nanpercentile(np.concatenate([part[name] for part in parts]), _INTERVAL)
            found[name] = Metric(value=float(value[0]), low=float(low), high=float(high), pictures=images)
    return found


def _chunks(weights: DrawWeights) -> Iterator[DrawWeights]:
    for start in range(0, len(weights), _CHUNK):
        yield weights[start : start + _CHUNK]
