"""The shipped artefact in `models/lite0`."""

from pathlib import Path

import numpy as np
import pytest

from samples.scenes import SCENES
from shared.model.artefact import read_artefact
from training.data.preprocessing import SERVING_SPEC
from training.data.records.labels import LABELS
from training.exporting.predictor import GraphPredictor

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).parents[2] / "models" / "lite0"


def test_shipped_artefact_is_complete_measured_and_small() -> None:
    manifest = read_artefact(SHIPPED)
    assert manifest.labels == LABELS
    assert manifest.picture == SERVING_SPEC
    test_auc = manifest.metrics["isic2017_test.melanoma_auc"]
    assert test_auc.pictures == 596
    assert test_auc.low is not None
    assert test_auc.low > 0.7
    assert [population.name for population in manifest.populations] == ["dermatoscope", "phone"]
    for population in manifest.populations:
        assert population.bands.low_sensitivity >= 0.95
        assert population.bands.high_specificity >= 0.9
    figures = {name: metric.value for name, metric in manifest.metrics.items()}
    assert figures["phone_out_of_fold.malignant_auc"] >= 0.83
    assert figures["phone_out_of_fold.malignant_auc_without_pen"] >= 0.83
    assert figures["phone_out_of_fold.calibration_error"] <= 0.05
    assert figures["no_lesion.auc"] >= 0.97
    assert figures["isic2017_test.refused"] <= 0.03
    assert figures["phone_lesion.refused"] <= 0.03
    assert figures["phone_hand.refused"] >= 0.95
    assert sum(stored.size for stored in manifest.files.values()) < 30e6


def test_shipped_graph_predicts() -> None:
    manifest = read_artefact(SHIPPED)
    pixels = np.random.default_rng(1).integers(0, 256, (2, SERVING_SPEC.size, SERVING_SPEC.size, 3), np.uint8)
    predicted = GraphPredictor(SHIPPED / manifest.graph, manifest.tensors).predict(pixels)
    assert predicted.probabilities.shape == (2, len(LABELS))
    assert predicted.probabilities.sum(axis=1) == pytest.approx(np.ones(2), abs=1e-5)
    assert predicted.evidence.shape == (2, 7, 7)
    # Noise is no lesion.
    assert (predicted.distance > max(population.max_distance for population in manifest.populations)).all()


def test_shipped_graph_refuses_images_of_no_lesion() -> None:
    """The images are rendered, so the model was not trained on them."""
    rng = np.random.default_rng(3)
    images = [scene(rng, 800, 600).resize((SERVING_SPEC.size, SERVING_SPEC.size)) for scene in SCENES.values()]
    pixels = np.stack([*map(np.asarray, images), np.zeros((SERVING_SPEC.size, SERVING_SPEC.size, 3), np.uint8)])
    manifest = read_artefact(SHIPPED)
    predicted = GraphPredictor(SHIPPED / manifest.graph, manifest.tensors).predict(pixels)
    no_lesion = predicted.kinds[:, manifest.kinds.names.index(manifest.kinds.no_lesion)]
    assert manifest.kinds.refuse_from is not None
    assert (no_lesion >= manifest.kinds.refuse_from).all(), no_lesion
