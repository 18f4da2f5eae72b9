import numpy as np
import pytest

from runtimes.base import PredictionBatch
from shared.model.artefact import Manifest, read_artefact
from tests.training.evaluation.conftest import SHIPPED
from training.data.records.labelled_image import Population
from training.evaluation.stress.score_shift import compare
from training.evaluation.stress.stress_suite import CHANGES


def make_predictions(manifest: Manifest, *melanoma: float) -> PredictionBatch:
    """Predictions for dermatoscope lesions near the training images, with these probabilities of melanoma."""
    probabilities = np.zeros((len(melanoma), len(manifest.labels)), np.float32)
    probabilities[:, 0] = melanoma
    probabilities[:, 5] = 1 - probabilities[:, 0]
    count = len(melanoma)
    maps, distance = np.zeros((count, 7, 7), np.float32), np.zeros(count, np.float32)
    return PredictionBatch(probabilities, maps, distance, np.tile(np.eye(3, dtype=np.float32)[0], (count, 1)))


def test_shares_of_changed_answers_and_signed_shifts_of_malignant_lesions() -> None:
    """One lesion in five falls from high to low, one rises from low to high, and the others stay."""
    manifest = read_artefact(SHIPPED)
    before = make_predictions(manifest, 0.95, 0.001, 0.95, 0.001, 0.001)
    after = make_predictions(manifest, 0.001, 0.95, 0.94, 0.001, 0.001)
    is_counted = np.array([True, False, True, False, False])
    result = compare(CHANGES[0], Population.DERMATOSCOPE, is_counted, before, after, manifest)
    assert result.answer_changes.value == pytest.approx(0.4)
    assert result.band_changes is not None
    assert result.band_changes.value == pytest.approx(0.4)
    assert result.high_to_low is not None
    assert result.high_to_low.value == pytest.approx(0.2)
    assert result.counted_mean_shift == pytest.approx((-0.949 - 0.01) / 2, abs=1e-6)
    assert result.counted_tenth_shift == pytest.approx(-0.949 + 0.1 * 0.939, abs=1e-6)
    assert result.median_shift == pytest.approx(0.01, abs=1e-6)


def test_shift_of_malignant_lesions_is_unknown_without_any() -> None:
    manifest = read_artefact(SHIPPED)
    predicted = make_predictions(manifest, 0.3, 0.4)
    result = compare(CHANGES[0], Population.DERMATOSCOPE, np.zeros(2, bool), predicted, predicted, manifest)
    assert (result.counted_mean_shift, result.counted_tenth_shift) == (None, None)
