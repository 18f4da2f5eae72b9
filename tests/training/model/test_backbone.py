from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.small_model import SMALL, make_small_model
from training.data.records.labels import LABELS
from training.errors import TrainingError
from training.model.architecture import LITE0, LITE2, Architecture
from training.model.batch_norm import FusedBatchNormalization
from training.model.classifier import build_classifier
from training.model.imagenet_weights import load_imagenet_weights
from training.model.weights import get_weights, set_weights


def make_imagenet_archive(architecture: Architecture, seed: int) -> dict[str, np.ndarray]:
    """Made weights by PyTorch's names and in its axes."""
    rng = np.random.default_rng(seed)
    arrays = {}

    def add(kernel: str, norm: str, shape: tuple[int, ...]) -> None:
        arrays[f"{kernel}.weight"] = rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float16)
        for part, low in (("weight", 0.9), ("bias", -0.1), ("running_mean", -0.1), ("running_var", 0.9)):
            arrays[f"{norm}.{part}"] = rng.uniform(low, low + 0.2, shape[0]).astype(np.float32)

    add("_conv_stem", "_bn0", (architecture.stem, 3, 3, 3))
    for number, block in enumerate(architecture.blocks):
        name, inner = f"_blocks.{number}.", block.channels_in * block.expand
        if block.expand != 1:
            add(f"{name}_expand_conv", f"{name}_bn0", (inner, block.channels_in, 1, 1))
        add(f"{name}_depthwise_conv", f"{name}_bn1", (inner, 1, block.kernel, block.kernel))
        add(f"{name}_project_conv", f"{name}_bn2", (block.channels_out, inner, 1, 1))
    add("_conv_head", "_bn1", (architecture.features, architecture.blocks[-1].channels_out, 1, 1))
    return arrays


def test_lite0_is_lite0() -> None:
    """4,652,008 parameters with ImageNet's head, without the statistics, as published."""
    assert _parameters_with_one_head(LITE0) == 4_652_008


def test_lite2_is_lite2() -> None:
    assert _parameters_with_one_head(LITE2) == 6_092_072


def _parameters_with_one_head(architecture: Architecture) -> int:
    variables = build_classifier(architecture, 1000).trainable_variables
    return int(sum(np.prod(variable.shape) for variable in variables if "phone" not in variable.path))


def test_loads_an_archive_in_pytorchs_axes(tmp_path: Path) -> None:
    arrays = make_imagenet_archive(SMALL, 1)
    np.savez(tmp_path / "w.npz", **arrays)  # type: ignore[arg-type]
    model = build_classifier(SMALL, 7)
    load_imagenet_weights(model, SMALL, tmp_path / "w.npz")
    weights = get_weights(model)
    stem, depthwise = arrays["_conv_stem.weight"], arrays["_blocks.1._depthwise_conv.weight"]
    assert weights["stem/kernel"][2, 0, 1, 5] == stem[5, 1, 2, 0]
    assert weights["block1_depthwise/kernel"][4, 1, 30, 0] == depthwise[30, 0, 4, 1]
    assert np.array_equal(weights["block3_project_norm/moving_variance"], arrays["_blocks.3._bn2.running_var"])
    assert np.array_equal(weights["features_norm/beta"], arrays["_bn1.bias"])


def test_an_archive_that_does_not_fit_has_its_sentence(tmp_path: Path) -> None:
    model = build_classifier(SMALL, 7)
    with pytest.raises(TrainingError, match="not a numpy archive"):
        load_imagenet_weights(model, SMALL, tmp_path / "absent.npz")
    arrays = make_imagenet_archive(SMALL, 1)
    del arrays["_conv_head.weight"]
    np.savez(tmp_path / "w.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="_conv_head"):
        load_imagenet_weights(model, SMALL, tmp_path / "w.npz")


def test_weights_go_out_and_come_back() -> None:
    model, pixels = make_small_model(), np.full((1, 32, 32, 3), 99, np.float32)
    weights, before = get_weights(model), model(pixels)[0].numpy()
    other = make_small_model(seed=2)
    assert not np.allclose(other(pixels)[0], before)
    set_weights(other, weights)
    assert np.array_equal(other(pixels)[0], before)


@pytest.mark.parametrize("training", [False, True])
def test_fused_norm_is_what_keras_computes(training: bool) -> None:
    x = np.random.default_rng(1).normal(1, 2, (8, 6, 6, 5)).astype(np.float32)
    ours, theirs = (
        FusedBatchNormalization(epsilon=1e-3, momentum=0.9),
        keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.9),
    )
    found, wanted = ours(x, training=training), theirs(x, training=training)
    assert found.numpy() == pytest.approx(wanted.numpy(), abs=1e-4)
    assert ours.moving_mean.numpy() == pytest.approx(theirs.moving_mean.numpy(), abs=1e-5)
    # The fused kernel keeps the unbiased variance, n / (n - 1) times Keras's: n is 288 here.
    assert ours.moving_variance.numpy() == pytest.approx(theirs.moving_variance.numpy(), rel=5e-3)


def test_a_frozen_norm_learns_its_bias_and_keeps_its_statistics() -> None:
    x = np.random.default_rng(1).normal(1, 2, (8, 6, 6, 5)).astype(np.float32)
    norm = FusedBatchNormalization(frozen=True, epsilon=1e-3)
    model = keras.Sequential([keras.Input((6, 6, 5)), norm])
    model.compile("sgd", loss="mse")
    model.train_on_batch(x, x + 1)
    assert np.array_equal(norm.moving_mean.numpy(), np.zeros(5))
    assert np.array_equal(norm.moving_variance.numpy(), np.ones(5))
    assert (norm.beta.numpy() > 0).all()


def test_each_population_has_its_own_head() -> None:
    model, pixels = make_small_model(), np.full((2, 32, 32, 3), 99, np.float32)
    before = model(pixels)[0].numpy()
    layer = model.get_layer("head_phone")
    layer.set_weights([0 * part for part in layer.get_weights()])
    after = model(pixels)[0].numpy()
    assert after.shape == (2, 2, len(LABELS))
    assert np.array_equal(after[:, 0], before[:, 0])
    assert not after[:, 1].any()
