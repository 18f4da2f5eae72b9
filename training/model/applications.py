"""Backbones of `keras.applications`, whose ImageNet weights Keras downloads."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras

from training.errors import TrainingError

#: Keras' name for the ImageNet weights that it downloads.
DOWNLOADED_WEIGHTS: Final = "imagenet"


@dataclass(frozen=True)
class Application:
    """A model of `keras.applications`: its name, its module, and the layer whose output the feature distance uses.

    Each model ends in a ReLU, so that the last feature map is not negative.
    """

    name: str
    module: str
    middle: str

    def build_feature_maps(
        self, image: keras.KerasTensor, weights: str | Path | None
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Build the layers of the backbone.

        Args:
            image: Images [n, h, w, 3] in [0, 255].
            weights: File with weights of the model without its top, `DOWNLOADED_WEIGHTS`, or None.

        Returns:
            The last feature map and the middle one.

        Raises:
            TrainingError: If the weights cannot be read or downloaded.
        """
        preprocessed = getattr(keras.applications, self.module).preprocess_input(image)
        make_model: Any = getattr(keras.applications, self.name)
        try:
            base = make_model(
                include_top=False, weights=weights if weights is None else str(weights), input_tensor=preprocessed
            )
        except Exception as error:
            if weights is None:
                raise
            # Keras raises a plain Exception if a download fails, and errors of HDF5 for a file.
            raise TrainingError(f"The weights {weights} of {self.name} cannot be read: {error}.") from error
        return base.output, base.get_layer(self.middle).output


APPLICATIONS: Final[Mapping[str, Application]] = {
    "resnet50": Application("ResNet50", "resnet", "conv4_block6_out"),
    "mobilenet_v2": Application("MobileNetV2", "mobilenet_v2", "block_12_add"),
    "densenet121": Application("DenseNet121", "densenet", "pool4_relu"),
}
