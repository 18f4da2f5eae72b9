"""Preprocessing specifications for serving and for training."""

from typing import Final

from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec

#: Preprocessing in serving, which the artefact states. Images are squashed into a square, so that nothing is cut off.
SERVING_SPEC: Final = PreprocessingSpec(size=224, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)
#: Training images are stored larger, so that random crops differ.
TRAINING_SPEC: Final = SERVING_SPEC.model_copy(update={"size": 256})
