from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.training.small import SMALL, small_model
from training.calibration.calibrate import Calibration
from training.calibration.distance import Distance, fit_distance
from training.calibration.kinds import KINDS, KindHead, fit_kinds
from training.data.labels import COUNTED, LABELS
from training.exporting.graph import TENSORS, write_graph
from training.exporting.predictor import GraphPredictor, Predicted
from training.fitting.measure import logits_and_means
from training.model.weights import get_weights

SIZE = 64
CALIBRATION = Calibration(temperature=0.7, offsets=np.linspace(-0.6, 0.6, len(LABELS)))


def means(model: object, pixels: np.ndarray) -> np.ndarray:
    _, middle, last = logits_and_means(model, pixels)
    return np.concatenate((middle, last), axis=1)


@dataclass
class Exported:
    path: Path
    pixels: np.ndarray
    predicted: Predicted
    distance: Distance
    kinds: KindHead


@pytest.fixture(scope="module")
def model() -> object:
    return small_model()


@pytest.fixture(scope="module")
def exported(model: object, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The graph, and what it says of twelve pictures."""
    coarse = np.random.default_rng(2).integers(0, 256, (12, 4, 4, 3), np.uint8)
    pixels = coarse.repeat(SIZE // 4, axis=1).repeat(SIZE // 4, axis=2)
    distance = fit_distance(np.random.default_rng(3).normal(size=(40, 12)))
    model_means = means(model, pixels)
    names = [KINDS.names[number % 3] for number in range(len(pixels))]
    kinds = fit_kinds(model_means, names)
    path = tmp_path_factory.mktemp("graph") / "model.pb"
    write_graph(path, get_weights(model), SMALL, CALIBRATION, distance, kinds, SIZE)
    return Exported(path, pixels, GraphPredictor(path, TENSORS).predict(pixels), distance, kinds)


def test_probabilities_are_those_of_the_keras_model(model: object, exported: Exported) -> None:
    """Folding is exact, at the borders too."""
    logits = model(exported.pixels.astype(np.float32), training=False)[0].numpy()[:, 0]  # type: ignore[operator]
    wanted = CALIBRATION.probabilities(logits)
    assert wanted.std(axis=0).max() > 0.01
    assert exported.predicted.probabilities == pytest.approx(wanted, abs=1e-4)


def test_evidence_is_the_gradient_through_the_head_times_the_map(model: object, exported: Exported) -> None:
    counts = np.isin(np.arange(len(LABELS)), COUNTED)
    _, features, _ = model(exported.pixels.astype(np.float32), training=False)  # type: ignore[operator]
    weights = get_weights(model)
    with tf.GradientTape() as tape:
        tape.watch(features)
        logits = (
            tf.reduce_mean(features, (1, 2)) @ weights["head_dermatoscope/kernel"] + weights["head_dermatoscope/bias"]
        )
        logits = (logits + CALIBRATION.offsets.astype(np.float32)) / CALIBRATION.temperature
        for_malignant = tf.reduce_logsumexp(tf.boolean_mask(logits, counts, axis=1), 1)
        against = tf.reduce_logsumexp(tf.boolean_mask(logits, ~counts, axis=1), 1)
        odds = for_malignant - against
    wanted = tf.reduce_sum(features * tape.gradient(odds, features), -1).numpy()
    assert np.abs(wanted).max() > 0.01
    assert exported.predicted.evidence == pytest.approx(wanted, abs=1e-4)
    assert exported.predicted.evidence.shape == (12, 4, 4)


def test_distance_is_that_of_the_middle_block(model: object, exported: Exported) -> None:
    middle = model(exported.pixels.astype(np.float32), training=False)[2].numpy()  # type: ignore[operator]
    assert exported.predicted.distance == pytest.approx(exported.distance(middle), rel=1e-4)


def test_kinds_are_those_of_both_maps(model: object, exported: Exported) -> None:
    logits = means(model, exported.pixels) @ exported.kinds.weights + exported.kinds.bias
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert wanted.std(axis=0).min() > 0.01
    assert exported.predicted.kinds == pytest.approx(wanted, abs=1e-3)


def test_the_same_model_makes_the_same_file(model: object, exported: Exported) -> None:
    again = exported.path.with_name("again.pb")
    write_graph(again, get_weights(model), SMALL, CALIBRATION, exported.distance, exported.kinds, SIZE)
    assert again.read_bytes() == exported.path.read_bytes()


def test_a_picture_alone_and_in_a_batch_is_the_same(exported: Exported) -> None:
    alone = GraphPredictor(exported.path, TENSORS).predict(exported.pixels[3:4])
    assert alone.probabilities[0] == pytest.approx(exported.predicted.probabilities[3], abs=1e-5)
