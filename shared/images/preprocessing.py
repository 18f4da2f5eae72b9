"""The preprocessing that an artefact specifies. Training, evaluation and serving all apply it."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Filter(StrEnum):
    """Resampling filter, by Pillow's name. All of them anti-alias when they shrink."""

    BOX = "box"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    LANCZOS = "lanczos"


class Aspect(StrEnum):
    """Way to make an image square."""

    #: Stretch both sides to `size`; nothing is cut off.
    SQUASH = "squash"
    #: Crop to the largest centred square.
    CENTRE = "centre"


class PreprocessingSpec(BaseModel):
    """Specification of the model's input, uint8 [size, size, 3] RGB."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(ge=32, le=1024, description="pixels a side")
    filter: Filter
    aspect: Aspect
