"""How pictures are brought to the model."""

from typing import Final

from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec

#: What the artefact carries: both data sets come with their aspect squashed, so nothing is cut off.
SERVING_SPEC: Final = PreprocessingSpec(size=224, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)
#: Training pictures are kept larger, so that a random crop has something to choose from.
TRAINING_SPEC: Final = SERVING_SPEC.model_copy(update={"size": 256})
