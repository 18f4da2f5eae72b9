"""How pictures are brought to the model."""

from typing import Final

from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec

#: What the artefact carries: both data sets come with their aspect squashed, so nothing is cut off.
SERVED: Final = PreprocessingSpec(size=224, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)
#: Training pictures are kept larger, so that a random crop has something to choose from.
KEPT: Final = SERVED.model_copy(update={"size": 256})
