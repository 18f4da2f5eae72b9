"""The picture rules that an artefact carries: training, evaluation and serving all apply the same ones."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Filter(StrEnum):
    """Resampling filter, by Pillow's name. All of them are anti-aliased when shrinking."""

    BOX = "box"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    LANCZOS = "lanczos"


class Aspect(StrEnum):
    """How a picture that is not square becomes square."""

    #: Stretch both sides to `size`: nothing is cut off.
    SQUASH = "squash"
    #: Cut the largest centred square.
    CENTRE = "centre"


class PreprocessingSpec(BaseModel):
    """How the bytes of a photograph become the model's input, uint8 [size, size, 3] RGB."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(ge=32, le=1024, description="pixels a side")
    filter: Filter
    aspect: Aspect
