"""Verdicts are counted by the bins of the held-out lesions behind each population's calibration."""

from prometheus_client import REGISTRY

from shared.contract.decision import UNMEASURED, Band, EvidenceMap, Verdict, Work
from shared.model.artefact import Manifest, ReliabilityBin
from shared.model.decision_rules import find_bin
from tests.worker.serving.test_postprocessing import MANIFEST
from worker.telemetry.score_distribution import SCORE_DISTRIBUTION

#: Two populations, with tables of their own.
BOTH = MANIFEST.model_copy(
    update={
        "name": "both",
        "populations": (
            MANIFEST.populations[0],
            MANIFEST.populations[0].model_copy(
                update={
                    "name": "phone",
                    "reliability": (
                        ReliabilityBin(start=0, stop=0.1, lesions=30, malignant=1),
                        ReliabilityBin(start=0.1, stop=1, lesions=10, malignant=9),
                    ),
                }
            ),
        ),
    }
)


def verdict(probability: float, population: str, artefact: str = BOTH.title) -> Verdict:
    return Verdict(
        artefact=artefact,
        population=population,
        probability=probability,
        probabilities={},
        band=Band.LOW,
        receipt=None,
        evidence=EvidenceMap(rows=1, columns=1, cells=(0,)),
        distance=0,
        work=Work(batch=1, wait_s=0, decode_s=0, predict_s=0),
    )


def series(name: str, manifest: Manifest, population: str) -> list[float]:
    """Values of all bins, in order."""
    values = {
        sample.labels["bin"]: sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == name
        and (sample.labels.get("artefact"), sample.labels.get("population")) == (manifest.title, population)
    }
    return [values[key] for key in sorted(values)]


def test_each_population_exports_the_ratios_of_its_own_lesions() -> None:
    SCORE_DISTRIBUTION.add_artefact(BOTH)
    assert series("melanoma_scores_expected_ratio", BOTH, "dermatoscope") == [100 / 140, 0, 40 / 140]
    assert series("melanoma_scores_expected_ratio", BOTH, "phone") == [0.75, 0.25]


def test_verdict_is_counted_in_the_bin_of_its_score() -> None:
    fresh = BOTH.model_copy(update={"name": "fresh"})
    SCORE_DISTRIBUTION.add_artefact(fresh)
    assert series("melanoma_scores_total", fresh, "phone") == [0, 0], "exported before the first verdict"
    for probability in (0, 0.499, 0.5, 1):
        SCORE_DISTRIBUTION.count(verdict(probability, "dermatoscope", fresh.title))
    for probability in (0.1, 0.5):
        SCORE_DISTRIBUTION.count(verdict(probability, "phone", fresh.title))
    assert series("melanoma_scores_total", fresh, "dermatoscope") == [2, 1, 1]
    assert series("melanoma_scores_total", fresh, "phone") == [0, 2]


def test_verdict_without_a_known_population_is_not_counted() -> None:
    other = BOTH.model_copy(update={"name": "other"})
    SCORE_DISTRIBUTION.add_artefact(other)
    SCORE_DISTRIBUTION.count(verdict(0.5, UNMEASURED, other.title))
    SCORE_DISTRIBUTION.count(verdict(0.5, "phone", "never@seen"))
    assert sum(series("melanoma_scores_total", other, "phone")) == 0


def test_gap_in_a_reliability_table_is_no_bin() -> None:
    gap = BOTH.populations[1].model_copy(
        update={
            "reliability": (
                ReliabilityBin(start=0, stop=0.2, lesions=1, malignant=0),
                ReliabilityBin(start=0.4, stop=1, lesions=1, malignant=1),
            )
        }
    )
    assert [find_bin(score, gap.reliability) for score in (0.1, 0.3, 0.4, 1)] == [0, None, 1, 1]
