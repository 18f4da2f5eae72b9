"""From the model's output to what is said: population, band, receipt. The artefact has all the numbers."""

from math import sqrt
from typing import Final

import numpy as np

from shared.artefact import Bands, Manifest, Population
from shared.contract.decision import UNMEASURED, Advice, Band, Receipt, Refusal, RefusalReason, Verdict, Work
from shared.pictures.evidence import to_map
from worker.picture import Predicted
from worker.scores import bin_of

#: 97.5 % quantile of the normal distribution: a two-sided 95 % interval.
_Z: Final = 1.959964


class Judge:
    """Says what `manifest` lets one say of a prediction."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._names = [label.name for label in manifest.labels]
        self._counts = np.array([label.counts for label in manifest.labels])

    def judge(self, predicted: Predicted, *, advice: tuple[Advice, ...], decode_s: float) -> Verdict | Refusal:
        """Verdict for one picture, or a refusal where it shows no lesion."""
        probabilities = dict(zip(self._names, predicted.probabilities.tolist(), strict=True))
        kinds = dict(zip(self._manifest.kinds.names, predicted.kinds.tolist(), strict=True))
        nothing, limit = kinds.pop(self._manifest.kinds.no_lesion), self._manifest.kinds.refuse_from
        if limit is not None and nothing >= limit:
            return Refusal(reason=RefusalReason.NOT_A_LESION, advice=advice, probabilities=probabilities)
        probability = min(1.0, float(predicted.probabilities[self._counts].sum()))
        population = self._population(max(kinds, key=kinds.__getitem__), predicted.distance)
        return Verdict(
            artefact=self._manifest.title,
            population=population.name if population else UNMEASURED,
            probability=probability,
            probabilities=probabilities,
            band=self._band(probability, population),
            receipt=_receipt(probability, population) if population else None,
            evidence=to_map(predicted.evidence),
            distance=predicted.distance,
            advice=advice,
            work=Work(batch=predicted.batch, wait_s=predicted.wait_s, decode_s=decode_s, predict_s=predicted.predict_s),
        )

    def _population(self, kind: str, distance: float) -> Population | None:
        """The one that was measured on such pictures."""
        for population in self._manifest.populations:
            if population.name == kind and distance <= population.max_distance:
                return population
        return None

    def _band(self, probability: float, population: Population | None) -> Band:
        if population is not None:
            return _measured_band(probability, population.bands)
        # Nothing was measured for such a picture, so it is never reassuring. It may still alarm: where every
        # measured population would call it high, a doctor should look.
        if all(probability >= known.bands.high_from for known in self._manifest.populations):
            return Band.HIGH
        return Band.UNCERTAIN


def _measured_band(probability: float, bands: Bands) -> Band:
    if probability >= bands.high_from:
        return Band.HIGH
    return Band.LOW if probability < bands.low_below else Band.ELEVATED


def _receipt(probability: float, population: Population) -> Receipt | None:
    place = bin_of(probability, population)
    if place is None or not population.reliability[place].lesions:
        return None
    held_out = population.reliability[place]
    low, high = wilson_interval(held_out.malignant, held_out.lesions)
    return Receipt(
        lesions=held_out.lesions, malignant=held_out.malignant, low=low, high=high, population=population.name
    )


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """95 % Wilson score interval of a share, both ends in [0, 1], for `trials` >= 1 (Wilson 1927)."""
    share, z2 = hits / trials, _Z**2
    centre = share + z2 / (2 * trials)
    spread = _Z * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    whole = 1 + z2 / trials
    return max(0.0, (centre - spread) / whole), min(1.0, (centre + spread) / whole)
