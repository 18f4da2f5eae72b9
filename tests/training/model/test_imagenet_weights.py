from pathlib import Path

import numpy as np
import pytest

from tests.training.model.small_model import SMALL, make_imagenet_archive
from training.errors import TrainingError
from training.model.classifier import build_classifier
from training.model.imagenet_weights import load_imagenet_weights
from training.model.weights import get_weights


def test_load_imagenet_weights_converts_pytorch_axes(tmp_path: Path) -> None:
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


def test_load_imagenet_weights_refuses_an_archive_that_does_not_fit(tmp_path: Path) -> None:
    model = build_classifier(SMALL, 7)
    with pytest.raises(TrainingError, match="not a numpy archive"):
        load_imagenet_weights(model, SMALL, tmp_path / "absent.npz")
    arrays = make_imagenet_archive(SMALL, 1)
    del arrays["_conv_head.weight"]
    np.savez(tmp_path / "w.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="_conv_head"):
        load_imagenet_weights(model, SMALL, tmp_path / "w.npz")
