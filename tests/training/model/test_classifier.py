import numpy as np
import pytest

from tests.training.model.small_model import make_small_model
from training.data.records.labels import LABELS
from training.model.architecture import LITE0, LITE2, Architecture
from training.model.classifier import build_classifier

pytestmark = pytest.mark.slow


def test_lite0_has_the_published_number_of_parameters() -> None:
    """4,652,008 parameters with ImageNet's head, without the statistics, as published."""
    assert _count_parameters_with_one_head(LITE0) == 4_652_008


def test_lite2_has_the_published_number_of_parameters() -> None:
    assert _count_parameters_with_one_head(LITE2) == 6_092_072


def _count_parameters_with_one_head(architecture: Architecture) -> int:
    variables = build_classifier(architecture, 1000).trainable_variables
    return int(sum(np.prod(variable.shape) for variable in variables if "phone" not in variable.path))


def test_each_population_has_its_own_head() -> None:
    model, pixels = make_small_model(), np.full((2, 32, 32, 3), 99, np.float32)
    before = model(pixels)[0].numpy()
    layer = model.get_layer("head_phone")
    layer.set_weights([0 * part for part in layer.get_weights()])
    after = model(pixels)[0].numpy()
    assert after.shape == (2, 2, len(LABELS))
    assert np.array_equal(after[:, 0], before[:, 0])
    assert not after[:, 1].any()
