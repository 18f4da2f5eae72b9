"""Which pictures of its kind a population's figures hold for, by their feature distance."""

from typing import Final

import numpy as np
import numpy.typing as npt

#: Share of the held-out lesions that belong to the population they come from.
BELONG: Final = 0.975


def max_population_distance(distance: npt.NDArray[np.floating]) -> float:
    """Largest distance at which a picture belongs to the population, from its held-out lesions' [n]."""
    return float(np.quantile(distance, BELONG))
