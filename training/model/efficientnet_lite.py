"""EfficientNet-Lite in Keras, from images to feature maps."""

import keras

from training.model.architecture import BN_EPSILON, OFFSET, SCALE, Architecture, Block
from training.model.batch_norm import FusedBatchNormalization
from training.model.depthwise import Depthwise


class EfficientNetLiteBuilder:
    """Builds the layers of one EfficientNet-Lite.

    `frozen_norm` freezes the statistics of its batch normalisation; `depthwise` says how to convolve.
    """

    def __init__(self, architecture: Architecture, frozen_norm: bool, depthwise: Depthwise) -> None:
        self._architecture = architecture
        self._frozen = frozen_norm
        self._depthwise = depthwise

    def build_feature_maps(self, image: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Build all layers for images [n, h, w, 3] in [0, 255].

        Returns:
            The last feature map, which is not negative, and that of the middle block.
        """
        x = keras.layers.Rescaling(1 / SCALE, offset=-OFFSET / SCALE, name="normalise")(image)
        x = self._conv(x, self._architecture.stem, 3, 2, "stem")
        maps = []
        for index, block in enumerate(self._architecture.blocks):
            x = self._block(x, block, f"block{index}")
            maps.append(x)
        return self._conv(x, self._architecture.features, 1, 1, "features"), maps[self._architecture.middle]

    def _conv(self, x: keras.KerasTensor, channels: int, kernel: int, stride: int, name: str) -> keras.KerasTensor:
        x = keras.layers.Conv2D(channels, kernel, stride, "same", use_bias=False, name=name)(x)
        return self._relu(self._norm(x, name), name)

    def _block(self, x: keras.KerasTensor, block: Block, name: str) -> keras.KerasTensor:
        inputs, depthwise = x, f"{name}_depthwise"
        if block.expand != 1:
            x = self._conv(x, block.channels_in * block.expand, 1, 1, f"{name}_expand")
        x = self._depthwise.make_layer(block.kernel, block.stride, depthwise)(x)
        x = self._relu(self._norm(x, depthwise), depthwise)
        x = keras.layers.Conv2D(block.channels_out, 1, use_bias=False, name=f"{name}_project")(x)
        x = self._norm(x, f"{name}_project")
        return keras.layers.Add(name=f"{name}_add")((inputs, x)) if block.has_residual else x

    def _norm(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        return FusedBatchNormalization(frozen=self._frozen, epsilon=BN_EPSILON, momentum=0.99, name=f"{name}_norm")(x)

    def _relu(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        return keras.layers.Activation("relu6", name=f"{name}_relu")(x)
