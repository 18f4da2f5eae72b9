"""Augments batches of images on Keras' backend: the same arithmetic on a GPU and on a CPU."""

from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from training.data.image_cache import Pixels
from training.fitting.drawing.compression import compress
from training.fitting.drawing.overlays import draw_stock
from training.fitting.drawing.parameters import Parameters, draw_parameters

#: Any backend's tensor.
Tensor = Any

#: The stock of overlays is the same in every run.
_STOCK_SEED: Final = 1
#: Side of the image in pixels that the strength of blur refers to.
_BLUR_SIDE: Final = 224


class Augmenter:
    """Augments batches of images of `side` pixels, into images of any size.

    The functions are compiled once for each size, so the number of images in a batch should not vary.
    """

    def __init__(self, side: int) -> None:
        self._side = side
        self._layers: dict[int, AugmentationLayer] = {}
        self._models: dict[int, keras.Model] = {}
        self._stock: npt.NDArray[np.uint8] | None = None

    def augment(self, pixels: Pixels, size: int, parameters: Parameters) -> Pixels:
        """Augment images uint8 [n, side, side, 3] to uint8 [n, size, size, 3]."""
        if size not in self._models:
            self._models[size] = self._build(size)
        return np.asarray(self._models[size].predict_on_batch({"pixels": pixels, **parameters}))

    def layer(self, size: int) -> "AugmentationLayer":
        """The layer that augments images to `size`, for a function that is compiled as a whole."""
        if self._stock is None:
            self._stock = draw_stock(_STOCK_SEED)
        if size not in self._layers:
            self._layers[size] = AugmentationLayer(self._stock, size, dtype="float32", autocast=False)
        return self._layers[size]

    def _build(self, size: int) -> keras.Model:
        inputs = {"pixels": keras.Input((self._side, self._side, 3), dtype="uint8", name="pixels")}
        for name, values in draw_parameters(1, np.random.default_rng(0)).items():
            inputs[name] = keras.Input(values.shape[1:], name=name)
        model = keras.Model(inputs, self.layer(size)(inputs))
        model.jit_compile = keras.backend.backend() == "jax"
        return model


class AugmentationLayer(keras.layers.Layer):  # type: ignore[misc]
    """Augments images by given parameters. Its one weight is the stock of overlays."""

    def __init__(self, stock: npt.NDArray[np.uint8], size: int, **options: Any) -> None:
        super().__init__(**options)
        self._size = size
        self._stock = self.add_weight(
            shape=stock.shape, dtype="uint8", trainable=False, name="stock", initializer="zeros"
        )
        self._stock.assign(stock)
        # No shape is missing: a compiled function calls the layer without building it.
        self.built = True

    @property
    def stock_value(self) -> Tensor:
        """The backend's array of the stock."""
        return self._stock.value

    def call(self, inputs: dict[str, Tensor]) -> Tensor:
        """Augment; the order of the steps is that in which a camera, a clinic and a chat change an image."""
        x = _warp(inputs["pixels"], inputs["warp"], self._size, reflect=True)
        for slot, name in enumerate(("hair_warp", "mark_warp")):
            index, opacity = inputs["overlay"][:, slot], inputs["overlay_opacity"][:, slot]
            overlay = ops.take(self._stock, ops.cast(ops.maximum(index, 0.0), "int32"), axis=0)
            overlay = _warp(overlay, inputs[name], self._size, reflect=False)
            overlay = overlay * ops.where(index < 0, 0.0, opacity)[:, None, None, None]
            x = x * (1 - overlay[..., 3:] / 255) + overlay[..., :3]
        x = _darken_corners(x, inputs["field"])
        x = _adjust_colour(x, inputs)
        x = _lose_detail(x, inputs["resolution"], inputs["blur"] * (self._size / _BLUR_SIDE), inputs["quality"])
        return ops.cast(ops.clip(ops.round(x), 0, 255), "uint8")

    def compute_output_spec(self, inputs: dict[str, Tensor]) -> keras.KerasTensor:  # noqa: ARG002
        """Shape of the result, which the backend need not trace."""
        return keras.KerasTensor((None, self._size, self._size, 3), dtype="uint8")


def _warp(images: Tensor, warps: Tensor, size: int, *, reflect: bool) -> Tensor:
    """Resample images [n, side, side, channels] by maps [n, 6] to float32 [n, size, size, channels].

    Beyond its edges an image is continued by its reflection, or by 0.
    """
    side, channels = images.shape[1], images.shape[3]
    line = (ops.arange(size, dtype="float32") + 0.5) / size - 0.5
    x, y = line[None, None, :], line[None, :, None]
    maps = warps[:, :, None, None] * side
    columns = maps[:, 0] * x + maps[:, 1] * y + maps[:, 2] - 0.5
    rows = maps[:, 3] * x + maps[:, 4] * y + maps[:, 5] - 0.5
    left, top = ops.floor(columns), ops.floor(rows)
    flat = ops.reshape(images, (-1, channels))
    first = ops.reshape(ops.arange(ops.shape(images)[0], dtype="int32") * (side * side), (-1, 1, 1))
    total = 0.0
    for down in (0, 1):
        for right in (0, 1):
            column, row = left + right, top + down
            weight = (1 - ops.abs(columns - column)) * (1 - ops.abs(rows - row))
            if not reflect:
                is_inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
                weight = ops.where(is_inside, weight, 0.0)
            index = first + _reflect(row, side) * side + _reflect(column, side)
            total = total + ops.cast(ops.take(flat, index, axis=0), "float32") * weight[..., None]
    return total


def _reflect(indices: Tensor, side: int) -> Tensor:
    """Map float indices into an image that is repeated by its reflections to whole numbers in [0, side)."""
    periodic = ops.mod(indices, 2.0 * side)
    return ops.cast(ops.clip(ops.minimum(periodic, 2.0 * side - 1 - periodic), 0, side - 1), "int32")


def _darken_corners(x: Tensor, field: Tensor) -> Tensor:
    """Draw the dark frame around a dermatoscope's field of view: radius, edge, centre, ratio of sides, darkness."""
    radius, edge, across, down, ratio, darkness = (field[:, index, None, None] for index in range(6))
    size = x.shape[1]
    line = (ops.arange(size, dtype="float32") + 0.5) / size - 0.5
    distance = ops.sqrt(
        ops.square((line[None, None, :] - across) * ratio) + ops.square((line[None, :, None] - down) / ratio)
    )
    visible = ops.clip((radius - distance) / edge, 0, 1)[..., None]
    return x * visible + darkness[..., None] * (1 - visible)


def _adjust_colour(x: Tensor, inputs: dict[str, Tensor]) -> Tensor:
    """Change the white balance, the light, the contrast, the saturation and the curve of the tones."""
    x = x * inputs["gain"][:, None, None, :] + inputs["brightness"][:, None, None, :]
    mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
    x = mean + (x - mean) * inputs["contrast"][:, None, None, :]
    grey = ops.mean(x, axis=-1, keepdims=True)
    x = ops.clip(grey + (x - grey) * inputs["saturation"][:, None, None, :], 1, 255)
    return 255 * ops.power(x / 255, inputs["gamma"][:, None, None, :])


def _lose_detail(x: Tensor, resolution: Tensor, blur: Tensor, quality: Tensor) -> Tensor:
    """Blur, shrink, compress and enlarge again, like a copy of low resolution. All but compression are matrices."""
    size = x.shape[1]
    count = ops.clip(ops.round(resolution * size), 1, size)[:, :, None]
    ratio = count / size
    line = ops.arange(size, dtype="float32")
    # Rows are points of the small image, which are repeated beyond its end; columns those of the large one.
    small = ops.minimum(line[None, :, None], count - 1)
    centre = (small + 0.5) / ratio - 0.5
    # Shrinking needs a blur by about half a pixel of the small image. The least deviation leaves the image as it is.
    deviation = ops.sqrt(ops.square(blur[:, :, None]) + ops.where(ratio < 1, ops.square(0.4 / ratio), 0.0) + 0.01)
    shrink = ops.exp(-0.5 * ops.square((line[None, None, :] - centre) / deviation))
    shrink = shrink / ops.sum(shrink, axis=-1, keepdims=True)
    position = ops.clip((line[None, :, None] + 0.5) * ratio - 0.5, 0, count - 1)
    enlarge = ops.maximum(0.0, 1 - ops.abs(position - line[None, None, :]))
    x = _apply_to_rows_and_columns(shrink, x)
    x = compress(x, quality)
    return _apply_to_rows_and_columns(enlarge, x)


def _apply_to_rows_and_columns(matrices: Tensor, x: Tensor) -> Tensor:
    x = ops.einsum("nki,nijc->nkjc", matrices, x)
    return ops.einsum("nki,njic->njkc", matrices, x)
