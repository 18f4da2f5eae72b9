"""The numbers of a training run."""

import math
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

#: Side of the training pictures in the first, second and last third of the epochs: small ones are cheap
#: and teach most (progressive resizing: Tan and Le, EfficientNetV2, arXiv 2104.00298).
SIZES: Final = (160, 192, 224)


class Recipe(BaseModel):
    """What decides a training run, beside the data and the weights it starts from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(default=14, ge=1)
    pictures: int = Field(default=5000, ge=1, description="shown an epoch")
    batch: int = Field(default=32, ge=1)
    sizes: tuple[int, ...] = Field(default=SIZES, min_length=1)
    rate: float = Field(default=6e-4, gt=0, description="highest learning rate")
    warm_up: float = Field(default=0.08, gt=0, lt=1, description="share of the steps")
    decay: float = Field(default=0.02, ge=0, description="weight decay")
    smoothing: float = Field(default=0.05, ge=0, lt=1, description="of the labels")
    average: float = Field(default=0.995, ge=0, lt=1, description="decay of the weights' average a step")
    seed: int = Field(default=1, ge=0)

    @property
    def steps(self) -> int:
        """Steps an epoch; the last batch is a full one, so a remainder is not shown."""
        return max(1, self.pictures // self.batch)

    def size(self, epoch: int) -> int:
        """Side of the pictures in epoch `epoch`, counted from 0."""
        return self.sizes[epoch * len(self.sizes) // self.epochs]

    def rate_at(self, step: int) -> float:
        """Learning rate of step `step`, counted from 0: a linear warm-up, then half a cosine to 0."""
        total = self.steps * self.epochs
        warm = max(1, round(total * self.warm_up))
        if step < warm:
            return self.rate * (step + 1) / warm
        return self.rate * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm))) / 2
