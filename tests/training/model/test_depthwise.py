import keras
import numpy as np
import pytest

from training.model.depthwise import Depthwise


@pytest.mark.parametrize(("kernel", "stride", "side"), [(3, 1, 9), (3, 2, 8), (5, 2, 9), (5, 1, 12)])
def test_shifts_give_what_the_convolution_gives(kernel: int, stride: int, side: int) -> None:
    rng = np.random.default_rng(2)
    images = rng.normal(size=(2, side, side, 6)).astype(np.float32)
    weights = rng.normal(size=(kernel, kernel, 6, 1)).astype(np.float32)
    outputs = []
    for depthwise in Depthwise:
        inputs = keras.Input((None, None, 6))
        model = keras.Model(inputs, depthwise.make_layer(kernel, stride, "layer")(inputs))
        model.set_weights([weights])
        outputs.append(np.asarray(model(images)))
    assert outputs[0].shape == outputs[1].shape
    assert outputs[1] == pytest.approx(outputs[0], abs=1e-4)


def test_both_kinds_have_the_same_weights() -> None:
    paths = []
    for depthwise in Depthwise:
        layer = depthwise.make_layer(3, 1, "block0_depthwise")
        layer.build((None, None, None, 4))
        paths.append([(variable.path, tuple(variable.shape)) for variable in layer.variables])
    assert paths[0] == paths[1]
