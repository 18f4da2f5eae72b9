"""The scores that are given, beside those of the lesions behind the calibration: both by the bins of the artefact."""

from typing import Final

from prometheus_client import Counter, Gauge

from shared.contract.decision import Verdict
from shared.model.artefact import Manifest, Population, ReliabilityBin
from shared.model.decision_rules import find_bin

_LABELS: Final = ["artefact", "population", "bin"]


class ScoreDistribution:
    """Counts verdicts by bin for every artefact that this worker serves. Nothing of a picture beside its score.

    A picture of no measured population is not counted: there is nothing to set it beside.
    """

    def __init__(self) -> None:
        self._populations: dict[tuple[str, str], Population] = {}
        self._given = Counter("melanoma_scores", "Verdicts that stood, by the artefact's reliability bins.", _LABELS)
        self._expected = Gauge(
            "melanoma_scores_expected_share", "Share of the lesions behind the calibration in the bin.", _LABELS
        )

    def expect(self, manifest: Manifest) -> None:
        """Say which shares the calibration data of an artefact had, and count its verdicts from now on."""
        for population in manifest.populations:
            self._populations[manifest.title, population.name] = population
            lesions = sum(held_out.lesions for held_out in population.reliability)
            for place, held_out in enumerate(population.reliability):
                labels = manifest.title, population.name, _name(place, held_out)
                self._expected.labels(*labels).set(held_out.lesions / lesions if lesions else 0)
                # There from the start as 0: an increase from nothing would not be seen.
                self._given.labels(*labels)

    def count(self, verdict: Verdict) -> None:
        """Count one verdict that stood."""
        population = self._populations.get((verdict.artefact, verdict.population))
        place = None if population is None else find_bin(verdict.probability, population.reliability)
        if population is not None and place is not None:
            name = _name(place, population.reliability[place])
            self._given.labels(verdict.artefact, verdict.population, name).inc()


def _name(place: int, held_out: ReliabilityBin) -> str:
    """In the order of the bins when sorted as text, and readable."""
    return f"{place + 1:02} {held_out.start:.3f}-{held_out.stop:.3f}"


SCORE_DISTRIBUTION: Final = ScoreDistribution()
