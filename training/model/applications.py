"""Backbones from keras.applications, whose ImageNet weights Keras downloads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras

from training.errors import TrainingError

#: Name for what Keras downloads.
DOWNLOADED_WEIGHTS: Final = "imagenet"


@dataclass(frozen=True)
class Application:
    """A model of keras.applications: its name, that of its module, and the layer by which distances are measured.

    Each ends in a ReLU, so that the last map is not negative.
    """

    name: str
    module: str
    middle: str

    def build_feature_maps(
        self, image: keras.KerasTensor, weights: str | Path | None
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """The last feature map and the middle one of pictures [n, h, w, 3] in [0, 255].

        `weights` is a file of the application's weights without its top, `DOWNLOAD`, or None. Raises
        `TrainingError` where they cannot be had.
        """
        prepared = getattr(keras.applications, self.module).preprocess_input(image)
        make: Any = getattr(keras.applications, self.name)
        try:
            base = make(include_top=False, weights=weights if weights is None else str(weights), input_tensor=prepared)
        except Exception as error:
            if weights is None:
                raise
            # Keras raises a plain Exception where a download fails, and HDF5's errors for a file.
            raise TrainingError(f"The weights {weights} of {self.name} cannot be had: {error}.") from error
        return base.output, base.get_layer(self.middle).output


APPLICATIONS: Final[Mapping[str, Application]] = {
    "resnet50": Application("ResNet50", "resnet", "conv4_block6_out"),
    "mobilenet_v2": Application("MobileNetV2", "mobilenet_v2", "block_12_add"),
    "densenet121": Application("DenseNet121", "densenet", "pool4_relu"),
}
