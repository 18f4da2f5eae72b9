"""Receipts are promises: "of N that scored like this, k were malignant"."""

from dataclasses import replace

import numpy as np
import pytest

from shared.model.artefact import Manifest, ReliabilityBin, read_artefact
from tests.training.evaluation.conftest import SHIPPED
from tests.training.evaluation.factories import calibrated
from training.calibration.temperature_scaling import compute_reliability_bins
from training.data.records.labelled_image import Split
from training.evaluation.measures.receipts import check_receipts
from training.evaluation.tasks import Task, is_positive, score


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_artefact(SHIPPED)


def with_receipts(manifest: Manifest, bins: tuple[ReliabilityBin, ...]) -> Manifest:
    (population, *_) = manifest.populations
    return manifest.model_copy(update={"populations": (population.model_copy(update={"reliability": bins}),)})


def test_right_receipts_hold_as_often_as_chance_lets_them(manifest: Manifest) -> None:
    shares = []
    for seed in range(8):
        found = check_receipts(calibrated(600, manifest, seed), manifest)
        assert found is not None
        assert found.agrees >= 0.9
        shares.append((found.covered, found.covered_if_right))
    covered, expected = np.mean(shares, axis=0)
    assert covered == pytest.approx(expected, abs=0.06)


def test_wrong_receipts_are_found_out(manifest: Manifest) -> None:
    """Receipts of another population, in which twice as many were malignant."""
    made = calibrated(600, manifest)
    tested = replace(made, images=[replace(one, split=Split.TEST) for one in made.images])
    told, ill = score(Task.COUNTED, made.probabilities, manifest.labels), is_positive(Task.COUNTED, made.images)
    right = compute_reliability_bins(told, ill)
    wrong = tuple(
        one.model_copy(update={"malignant": min(one.lesions, 2 * one.malignant + one.lesions // 4)}) for one in right
    )
    for bins, holds in ((right, True), (wrong, False)):
        found = check_receipts(tested, with_receipts(manifest, bins))
        assert found is not None
        assert (found.covered >= 0.9) is holds
        assert (found.agrees >= 0.9) is holds


def test_each_fold_is_held_against_receipts_of_the_others(manifest: Manifest) -> None:
    made = calibrated(400, manifest)
    folded = replace(made, images=[replace(one, fold=place % 2) for place, one in enumerate(made.images)])
    found = check_receipts(folded, manifest)
    assert found is not None
    assert sum(check.tested for check in found.bins) == 400
    assert sum(check.lesions for check in found.bins) == 400
