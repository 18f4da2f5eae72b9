import numpy as np

from tests.training.model.small_model import make_small_model
from training.model.weights import get_weights, set_weights


def test_set_weights_restores_what_get_weights_copied() -> None:
    model, pixels = make_small_model(), np.full((1, 32, 32, 3), 99, np.float32)
    weights, before = get_weights(model), model(pixels)[0].numpy()
    other = make_small_model(seed=2)
    assert not np.allclose(other(pixels)[0], before)
    set_weights(other, weights)
    assert np.array_equal(other(pixels)[0], before)
