"""Depthwise convolution as a sum of shifted images, for devices whose own kernels for it are slow."""

from enum import StrEnum
from typing import Any

import keras
from keras import ops

#: Any backend's tensor.
Tensor = Any


class Depthwise(StrEnum):
    """Way to compute depthwise convolutions. The results are the same but for rounding."""

    #: By the backend's own kernel.
    CONVOLUTION = "convolution"
    #: As one product for each element of the kernel, which a compiler such as XLA fuses.
    SHIFTS = "shifts"

    def make_layer(self, kernel: int, stride: int, name: str) -> keras.layers.DepthwiseConv2D:
        """Make the layer, without a bias and padded with zeros to the same size. Both kinds have the same weights."""
        layer = keras.layers.DepthwiseConv2D if self is Depthwise.CONVOLUTION else ShiftedDepthwiseConv2D
        return layer(kernel, stride, "same", use_bias=False, name=name)


class ShiftedDepthwiseConv2D(keras.layers.DepthwiseConv2D):  # type: ignore[misc]
    """`keras.layers.DepthwiseConv2D` with a multiplier of 1, the padding "same" and no bias."""

    def call(self, inputs: Tensor) -> Tensor:
        """Convolve [n, h, w, c]."""
        side, stride = self.kernel_size[0], self.strides[0]
        counts = [-(-length // stride) for length in inputs.shape[1:3]]
        pads = []
        for count, length in zip(counts, inputs.shape[1:3], strict=True):
            total = max((count - 1) * stride + side - length, 0)
            pads.append((total // 2, total - total // 2))
        padded = ops.pad(inputs, ((0, 0), *pads, (0, 0)))
        # The sum of up to 25 products needs more than half precision, as in a convolution.
        kernel, total = ops.cast(self.kernel[..., 0], "float32"), 0.0
        height, width = ((count - 1) * stride + 1 for count in counts)
        for down in range(side):
            for right in range(side):
                shifted = padded[:, down : down + height : stride, right : right + width : stride]
                total = total + ops.cast(shifted, "float32") * kernel[down, right]
        return ops.cast(total, self.compute_dtype)

    def compute_output_spec(self, inputs: Tensor) -> keras.KerasTensor:
        """Shape of the result, which the backend need not trace."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)
