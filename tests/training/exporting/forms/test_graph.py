from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from runtimes.base import PredictionBatch
from runtimes.jax_predictor import JAXPredictor
from tests.training.model.small_model import SMALL, make_small_model
from training.calibration.distance import fit_distance
from training.calibration.kinds import KINDS, KindClassifier, fit_kind_classifier
from training.calibration.population_calibration import PopulationCalibration
from training.calibration.temperature_scaling import TemperatureScaling
from training.data.records.labels import COUNTED, LABELS
from training.errors import TrainingError
from training.exporting.calibration_inputs.features import Features
from training.exporting.forms.agreement import TOLERANCE, check_agreement, compare_with_model
from training.exporting.forms.graph import TENSORS, Storage, write_graph
from training.exporting.forms.graph_function import read_graph_function
from training.exporting.forms.stablehlo import write_stablehlo
from training.exporting.predictor import GraphPredictor
from training.model.classifier import POPULATIONS, head_name
from training.model.views import FLIPS, ViewAverager, Views, flip
from training.model.weights import get_weights

pytestmark = pytest.mark.slow

SIZE = 64
#: As different as possible, so that a test fails if one is used in place of the other.
CALIBRATIONS = tuple(
    PopulationCalibration(
        TemperatureScaling(temperature=temperature, offsets=np.linspace(-0.6, 0.6, len(LABELS)) * sign),
        fit_distance(np.random.default_rng(seed).normal(size=(40, 12))),
    )
    for temperature, sign, seed in ((0.7, 1, 3), (1.4, -1, 4))
)


@dataclass
class Exported:
    path: Path
    pixels: np.ndarray
    predicted: PredictionBatch
    kinds: KindClassifier
    #: Index [n] of the head that the graph used for each image.
    heads: np.ndarray


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return make_small_model()


@pytest.fixture(scope="module")
def exported(model: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The graph, and its outputs for twelve images, some of each kind."""
    coarse = np.random.default_rng(2).integers(0, 256, (12, 4, 4, 3), np.uint8)
    pixels = coarse.repeat(SIZE // 4, axis=1).repeat(SIZE // 4, axis=2)
    names = [KINDS.names[index % 3] for index in range(len(pixels))]
    kinds = fit_kind_classifier(Features.extract(model, pixels).all_means, names)
    path = tmp_path_factory.mktemp("graph") / "model.pb"
    write_graph(path, get_weights(model), SMALL, CALIBRATIONS, kinds, SIZE)
    predicted = GraphPredictor(path, TENSORS).predict(pixels)
    heads = predicted.kinds[:, : len(POPULATIONS)].argmax(axis=1)
    assert set(heads) == {0, 1}
    return Exported(path, pixels, predicted, kinds, heads)


def test_kinds_are_in_the_order_of_the_heads() -> None:
    assert KINDS.names[: len(POPULATIONS)] == POPULATIONS


def test_probabilities_are_those_of_the_head_of_the_population(model: keras.Model, exported: Exported) -> None:
    """Folding batch normalisation is exact, at the borders too."""
    logits = Features.extract(model, exported.pixels).logits
    for row, used in enumerate(exported.heads):
        expected, other = (
            CALIBRATIONS[head].scaling.probabilities(logits[row : row + 1, head])[0] for head in (used, 1 - used)
        )
        assert exported.predicted.probabilities[row] == pytest.approx(expected, abs=1e-4)
        assert exported.predicted.probabilities[row] != pytest.approx(other, abs=1e-3)


def test_evidence_is_the_gradient_through_the_head_times_the_map(model: keras.Model, exported: Exported) -> None:
    is_counted = np.isin(np.arange(len(LABELS)), COUNTED)
    _, features, _ = model(exported.pixels.astype(np.float32), training=False)
    weights = get_weights(model)
    with tf.GradientTape() as tape:
        tape.watch(features)
        by_head = []
        for population, calibration in zip(POPULATIONS, CALIBRATIONS, strict=True):
            name, scaling = head_name(population), calibration.scaling
            logits = tf.reduce_mean(features, (1, 2)) @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
            by_head.append((logits + scaling.offsets.astype(np.float32)) / scaling.temperature)
        logits = tf.gather(tf.stack(by_head, 1), exported.heads, axis=1, batch_dims=1)
        for_malignant = tf.reduce_logsumexp(tf.boolean_mask(logits, is_counted, axis=1), 1)
        against = tf.reduce_logsumexp(tf.boolean_mask(logits, ~is_counted, axis=1), 1)
        odds = for_malignant - against
    expected = tf.reduce_sum(features * tape.gradient(odds, features), -1).numpy()
    assert np.abs(expected).max() > 0.01
    assert exported.predicted.evidence == pytest.approx(expected, abs=1e-4)
    assert exported.predicted.evidence.shape == (12, 4, 4)


def test_distance_is_from_the_training_images_of_the_population(model: keras.Model, exported: Exported) -> None:
    middle = Features.extract(model, exported.pixels).middle
    distances = np.stack([calibration.distance(middle) for calibration in CALIBRATIONS], axis=1)
    expected = distances[np.arange(len(middle)), exported.heads]
    assert exported.predicted.distance == pytest.approx(expected, rel=1e-4)


def test_kinds_are_computed_from_both_maps(model: keras.Model, exported: Exported) -> None:
    expected = exported.kinds.probabilities(Features.extract(model, exported.pixels).all_means)
    assert expected.std(axis=0).min() > 0.01
    assert exported.predicted.kinds == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("storage", "views"), [*((storage, 1) for storage in Storage), (Storage.SINGLE, 4)])
def test_stablehlo_computes_the_outputs_of_the_graph(
    model: keras.Model, exported: Exported, storage: Storage, views: Views
) -> None:
    graph = exported.path.with_name(f"{storage}-{views}.pb")
    write_graph(graph, get_weights(model), SMALL, CALIBRATIONS, exported.kinds, SIZE, storage, views)
    form = graph.with_suffix(".npz")
    write_stablehlo(form, graph, TENSORS)
    assert form.stat().st_size < graph.stat().st_size, "the weights must stay in the graph's file"
    expected = GraphPredictor(graph, TENSORS).predict(exported.pixels)
    predictor = JAXPredictor(form, graph, "CPU:0")
    for count in (1, len(exported.pixels)):
        batch = predictor.predict(exported.pixels[:count])
        assert batch.probabilities == pytest.approx(expected.probabilities[:count], abs=1e-5)
        assert batch.kinds == pytest.approx(expected.kinds[:count], abs=1e-5)
        assert batch.distance == pytest.approx(expected.distance[:count], rel=1e-4)
        assert batch.evidence == pytest.approx(expected.evidence[:count], abs=1e-4)


@pytest.mark.parametrize("views", [2, 4])
def test_several_views_are_averaged_and_their_evidence_turns_with_the_image(
    model: keras.Model, exported: Exported, views: Views
) -> None:
    path = exported.path.with_name(f"{views}.pb")
    write_graph(path, get_weights(model), SMALL, CALIBRATIONS, exported.kinds, SIZE, views=views)
    predictor, features = GraphPredictor(path, TENSORS), Features.extract(ViewAverager(model, views), exported.pixels)
    predicted = predictor.predict(exported.pixels)
    assert predicted.kinds == pytest.approx(exported.kinds.probabilities(features.all_means), abs=1e-3)
    heads = predicted.kinds[:, : len(POPULATIONS)].argmax(axis=1)
    for row, head in enumerate(heads):
        expected = CALIBRATIONS[head].scaling.probabilities(features.logits[row : row + 1, head])[0]
        assert predicted.probabilities[row] == pytest.approx(expected, abs=1e-4)
    # The other forms are derived from the graph, so it may have no operation that they do not know.
    function = read_graph_function(path.read_bytes(), TENSORS)
    probabilities, evidence, *_ = function.call(exported.pixels, *function.weights.values())
    assert np.asarray(probabilities) == pytest.approx(predicted.probabilities, abs=1e-4)
    assert np.asarray(evidence) == pytest.approx(predicted.evidence, abs=1e-4)
    one = exported.predicted.evidence
    for flipped in FLIPS[1:views]:
        turned = predictor.predict(np.ascontiguousarray(flip(exported.pixels, flipped)))
        assert turned.evidence == pytest.approx(flip(predicted.evidence, flipped), abs=1e-4)
        other = GraphPredictor(exported.path, TENSORS).predict(np.ascontiguousarray(flip(exported.pixels, flipped)))
        assert np.abs(other.evidence - flip(one, flipped)).max() > 1e-3


def test_half_precision_changes_probabilities_little(model: keras.Model, exported: Exported) -> None:
    half = exported.path.with_name("half.pb")
    write_graph(half, get_weights(model), SMALL, CALIBRATIONS, exported.kinds, SIZE, Storage.HALF)
    features, predicted = (
        Features.extract(model, exported.pixels),
        GraphPredictor(half, TENSORS).predict(exported.pixels),
    )
    counted = np.arange(len(exported.pixels)) % 2 == 0
    assert (
        1e-6 < compare_with_model(features, CALIBRATIONS, predicted, counted).max_difference < TOLERANCE[Storage.HALF]
    )
    single = compare_with_model(features, CALIBRATIONS, exported.predicted, counted)
    assert single.max_difference < TOLERANCE[Storage.SINGLE]
    assert single.auc_change == pytest.approx(0, abs=0.03)
    with pytest.raises(TrainingError, match="not to be served"):
        check_agreement(features, CALIBRATIONS[::-1], predicted, counted, Storage.HALF)


def test_agreement_reports_the_change_of_the_auc(model: keras.Model, exported: Exported) -> None:
    """The probabilities of the graph are the opposite of the model's, which are taken for the truth."""
    features = Features.extract(model, exported.pixels)
    counted = exported.predicted.probabilities[:, COUNTED].sum(axis=1)
    opposite = replace(exported.predicted, probabilities=1 - exported.predicted.probabilities)
    agreement = compare_with_model(features, CALIBRATIONS, opposite, counted > np.median(counted))
    assert agreement.auc_change == pytest.approx(-1)


def test_graph_file_is_reproducible(model: keras.Model, exported: Exported) -> None:
    again = exported.path.with_name("again.pb")
    write_graph(again, get_weights(model), SMALL, CALIBRATIONS, exported.kinds, SIZE)
    assert again.read_bytes() == exported.path.read_bytes()


def test_batch_size_does_not_change_probabilities(exported: Exported) -> None:
    alone = GraphPredictor(exported.path, TENSORS).predict(exported.pixels[3:4])
    assert alone.probabilities[0] == pytest.approx(exported.predicted.probabilities[3], abs=1e-5)
