"""Counts the scores of verdicts and of the calibration data by the artefact's reliability bins.

Prometheus rules compute the drift between them.
"""

from typing import Final

from prometheus_client import Counter, Gauge

from shared.contract.decision import Verdict
from shared.model.artefact import Manifest, Population, ReliabilityBin
from shared.model.decision_rules import find_bin

_LABELS: Final = ["artefact", "population", "bin"]


class ScoreDistribution:
    """Counts verdicts by bin for each artefact that this worker serves. Only the counts are kept.

    A verdict of an unmeasured population is not counted: there is no distribution to compare it with.
    """

    def __init__(self) -> None:
        self._populations: dict[tuple[str, str], Population] = {}
        self._verdicts = Counter(
            "melanoma_scores_total", "Verdicts that were written first, by the artefact's reliability bins.", _LABELS
        )
        self._expected_ratio = Gauge(
            "melanoma_scores_expected_ratio",
            "Share of the lesions behind the calibration in the bin.",
            _LABELS,
            multiprocess_mode="max",
        )

    def add_artefact(self, manifest: Manifest) -> None:
        """Export the distribution of an artefact's calibration data, and count its verdicts from now on."""
        for population in manifest.populations:
            self._populations[manifest.title, population.name] = population
            lesions = sum(reliability_bin.lesions for reliability_bin in population.reliability)
            for index, reliability_bin in enumerate(population.reliability):
                labels = manifest.title, population.name, _format_bin(index, reliability_bin)
                self._expected_ratio.labels(*labels).set(reliability_bin.lesions / lesions if lesions else 0)
                # Exported as 0 from the start: Prometheus sees no increase from a series that did not exist.
                self._verdicts.labels(*labels)

    def count(self, verdict: Verdict) -> None:
        """Count one verdict that was written first."""
        population = self._populations.get((verdict.artefact, verdict.population))
        index = None if population is None else find_bin(verdict.probability, population.reliability)
        if population is not None and index is not None:
            name = _format_bin(index, population.reliability[index])
            self._verdicts.labels(verdict.artefact, verdict.population, name).inc()


def _format_bin(index: int, reliability_bin: ReliabilityBin) -> str:
    """Return a readable label that sorts as text in the order of the bins."""
    return f"{index + 1:02} {reliability_bin.start:.3f}-{reliability_bin.stop:.3f}"


SCORE_DISTRIBUTION: Final = ScoreDistribution()
