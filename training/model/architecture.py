"""The shapes of EfficientNet-Lite.

EfficientNet-Lite is EfficientNet (Tan and Le, ICML 2019, arXiv 1905.11946) without squeeze-excitation and
with ReLU6 for swish; stem and head are not widened, first and last stage not deepened.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

#: What the ImageNet weights expect: (x - OFFSET) / SCALE for x in [0, 255].
OFFSET: Final = 127.0
SCALE: Final = 128.0
BN_EPSILON: Final = 1e-3


@dataclass(frozen=True)
class Block:
    """An inverted residual: expand 1x1 (none for 1), depthwise, project 1x1. Channels in and out."""

    expand: int
    kernel: int
    stride: int
    channels_in: int
    channels_out: int

    @property
    def has_residual(self) -> bool:
        """Whether the input is added to the output."""
        return self.stride == 1 and self.channels_in == self.channels_out


@dataclass(frozen=True)
class Architecture:
    """Channels of the stem, the blocks in order, and channels of the last feature map.

    `middle` is the number, from 0, of the block by whose output a picture's distance is measured.
    """

    stem: int
    blocks: tuple[Block, ...]
    features: int
    middle: int

    def layer_names(self) -> Iterator[str]:
        """Name of each convolution before the heads, in the order of the forward pass."""
        yield "stem"
        for number, block in enumerate(self.blocks):
            if block.expand != 1:
                yield f"block{number}_expand"
            yield f"block{number}_depthwise"
            yield f"block{number}_project"
        yield "features"


#: (repeats, expand, kernel, stride, channels out) of EfficientNet-Lite0's stages.
_STAGES: Final = (
    (1, 1, 3, 1, 16),
    (2, 6, 3, 2, 24),
    (2, 6, 5, 2, 40),
    (3, 6, 3, 2, 80),
    (3, 6, 5, 1, 112),
    (4, 6, 5, 2, 192),
    (1, 6, 3, 1, 320),
)
#: The stage by whose last block distances are measured.
_MIDDLE: Final = 4


def _scale_lite(width: float, depth: float) -> Architecture:
    blocks: list[Block] = []
    channels, middle = 32, 0
    for stage, (repeats, expand, kernel, stride, wanted) in enumerate(_STAGES):
        inner = 0 < stage < len(_STAGES) - 1
        out = _round_channels(wanted * width)
        for number in range(math.ceil(repeats * depth) if inner else repeats):
            blocks.append(Block(expand, kernel, stride if number == 0 else 1, channels, out))
            channels = out
        if stage == _MIDDLE:
            middle = len(blocks) - 1
    return Architecture(stem=32, blocks=tuple(blocks), features=1280, middle=middle)


def _round_channels(wanted: float) -> int:
    """To the nearest multiple of 8, but never down by more than a tenth."""
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


LITE0: Final = _scale_lite(1.0, 1.0)
LITE2: Final = _scale_lite(1.1, 1.2)
