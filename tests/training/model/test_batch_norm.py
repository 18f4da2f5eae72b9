import keras
import numpy as np
import pytest

from training.model.batch_norm import FusedBatchNormalization


@pytest.mark.parametrize("training", [False, True])
def test_fused_batch_norm_equals_keras(training: bool) -> None:
    x = np.random.default_rng(1).normal(1, 2, (8, 6, 6, 5)).astype(np.float32)
    ours, theirs = (
        FusedBatchNormalization(epsilon=1e-3, momentum=0.9),
        keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.9),
    )
    result, expected = ours(x, training=training), theirs(x, training=training)
    assert result.numpy() == pytest.approx(expected.numpy(), abs=1e-4)
    assert ours.moving_mean.numpy() == pytest.approx(theirs.moving_mean.numpy(), abs=1e-5)
    # The fused kernel keeps the unbiased variance, n / (n - 1) times Keras's: n is 288 here.
    assert ours.moving_variance.numpy() == pytest.approx(theirs.moving_variance.numpy(), rel=5e-3)


def test_frozen_batch_norm_trains_its_bias_and_keeps_its_statistics() -> None:
    x = np.random.default_rng(1).normal(1, 2, (8, 6, 6, 5)).astype(np.float32)
    norm = FusedBatchNormalization(frozen=True, epsilon=1e-3)
    model = keras.Sequential([keras.Input((6, 6, 5)), norm])
    model.compile("sgd", loss="mse")
    model.train_on_batch(x, x + 1)
    assert np.array_equal(norm.moving_mean.numpy(), np.zeros(5))
    assert np.array_equal(norm.moving_variance.numpy(), np.ones(5))
    assert (norm.beta.numpy() > 0).all()
