from dataclasses import replace

import numpy as np
import pytest

from shared.model.artefact import Manifest, ReliabilityBin, read_artefact
from tests.training.evaluation.conftest import SHIPPED
from tests.training.evaluation.factories import make_calibrated_set
from training.calibration.bands import compute_reliability_bins
from training.data.records.labelled_image import Split
from training.evaluation.measures.receipts import check_receipts
from training.evaluation.tasks import Task, is_positive, score


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_artefact(SHIPPED)


def with_receipts(manifest: Manifest, bins: tuple[ReliabilityBin, ...]) -> Manifest:
    (population, *_) = manifest.populations
    return manifest.model_copy(update={"populations": (population.model_copy(update={"reliability": bins}),)})


def test_right_receipts_cover_as_often_as_expected(manifest: Manifest) -> None:
    shares = []
    for seed in range(8):
        result = check_receipts(make_calibrated_set(600, manifest, seed), manifest)
        assert result is not None
        assert result.agrees >= 0.9
        shares.append((result.covered, result.covered_if_right))
    covered, expected = np.mean(shares, axis=0)
    assert covered == pytest.approx(expected, abs=0.06)


def test_wrong_receipts_do_not_cover(manifest: Manifest) -> None:
    """Receipts of another population, in which twice as many lesions were malignant."""
    scored_set = make_calibrated_set(600, manifest)
    test_set = replace(scored_set, images=[replace(image, split=Split.TEST) for image in scored_set.images])
    probabilities = score(Task.COUNTED, scored_set.probabilities, manifest.labels)
    right = compute_reliability_bins(probabilities, is_positive(Task.COUNTED, scored_set.images))
    wrong = tuple(
        receipt.model_copy(update={"malignant": min(receipt.lesions, 2 * receipt.malignant + receipt.lesions // 4)})
        for receipt in right
    )
    for bins, is_right in ((right, True), (wrong, False)):
        result = check_receipts(test_set, with_receipts(manifest, bins))
        assert result is not None
        assert (result.covered >= 0.9) is is_right
        assert (result.agrees >= 0.9) is is_right


def test_each_fold_is_checked_against_receipts_of_the_others(manifest: Manifest) -> None:
    scored_set = make_calibrated_set(400, manifest)
    with_folds = [replace(image, fold=index % 2) for index, image in enumerate(scored_set.images)]
    result = check_receipts(replace(scored_set, images=with_folds), manifest)
    assert result is not None
    assert sum(check.tested for check in result.bins) == 400
    assert sum(check.lesions for check in result.bins) == 400
