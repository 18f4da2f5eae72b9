"""Which pictures the figures hold for, and which are refused, by their feature distance."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.artefact import Metric
from training.sources import Kind

Floats = npt.NDArray[np.floating]

#: Share of the held-out lesions that belong to the population they come from.
BELONG: Final = 0.975
#: Largest share of lesions, dermatoscope or phone, that may be refused as not a lesion.
REFUSED_LESIONS: Final = 0.02
#: A limit that refuses less than this share of other things is not worth a lesion refused.
REFUSED_THINGS: Final = 0.5


def belongs_within(distance: Floats) -> float:
    """Largest distance at which a picture belongs to the population, from its held-out lesions' [n]."""
    return float(np.quantile(distance, BELONG))


def refuse_beyond(distance: Floats, phone: Mapping[Kind, Floats]) -> float | None:
    """Distance beyond which a picture is refused as not a lesion; None where distance cannot tell.

    Beyond it are at most `REFUSED_LESIONS` of the held-out lesions' and of the phone lesions' distances,
    and at least `REFUSED_THINGS` of the other things'.
    """
    if Kind.LESION not in phone or Kind.THING not in phone:
        return None
    limit = max(float(np.quantile(some, 1 - REFUSED_LESIONS)) for some in (distance, phone[Kind.LESION]))
    return limit if (phone[Kind.THING] > limit).mean() >= REFUSED_THINGS else None


def distance_metrics(within: float, beyond: float | None, phone: Mapping[Kind, Floats]) -> dict[str, Metric]:
    """Share of the phone pictures outside the population, and of those refused."""
    metrics = {}
    for kind, distance in phone.items():
        outside = float((distance > within).mean())
        metrics[f"{kind}.outside_population"] = Metric(value=outside, pictures=len(distance))
        if beyond is not None:
            refused = float((distance > beyond).mean())
            metrics[f"{kind}.refused"] = Metric(value=refused, pictures=len(distance))
    return metrics
