"""Preprocessing specifications for serving and for training."""

from typing import Final

from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec

#: Written into the artefact. The data sets come with a squashed aspect, so nothing is cut off.
SERVING_SPEC: Final = PreprocessingSpec(size=224, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)
#: Training images are stored larger, so that random crops differ.
TRAINING_SPEC: Final = SERVING_SPEC.model_copy(update={"size": 256})
