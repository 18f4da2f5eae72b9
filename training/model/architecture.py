"""Architectures of EfficientNet-Lite.

EfficientNet-Lite is EfficientNet (Tan and Le, ICML 2019, arXiv 1905.11946) without squeeze-excitation and with ReLU6 in
place of swish. Stem and head are not widened; the first and the last stage are not deepened.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

#: The ImageNet weights expect (x - OFFSET) / SCALE for x in [0, 255].
OFFSET: Final = 127.0
SCALE: Final = 128.0
BN_EPSILON: Final = 1e-3


@dataclass(frozen=True)
class Block:
    """An inverted residual block: 1x1 expansion (none if `expand` is 1), depthwise convolution, 1x1 projection."""

    expand: int
    kernel: int
    stride: int
    channels_in: int
    channels_out: int

    @property
    def has_residual(self) -> bool:
        """True if the input is added to the output."""
        return self.stride == 1 and self.channels_in == self.channels_out


@dataclass(frozen=True)
class Architecture:
    """Channels of the stem, the blocks in order, and channels of the last feature map.

    `middle` is the index of the block whose output the feature distance uses.
    """

    stem: int
    blocks: tuple[Block, ...]
    features: int
    middle: int

    def layer_names(self) -> Iterator[str]:
        """Yield the name of each convolution before the heads, in the order of the forward pass."""
        yield "stem"
        for index, block in enumerate(self.blocks):
            if block.expand != 1:
                yield f"block{index}_expand"
            yield f"block{index}_depthwise"
            yield f"block{index}_project"
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
#: Index of the stage whose last block is `Architecture.middle`.
_MIDDLE_STAGE: Final = 4


def _scale_lite(width: float, depth: float) -> Architecture:
    blocks: list[Block] = []
    channels, middle = 32, 0
    for stage, (repeats, expand, kernel, stride, base_channels) in enumerate(_STAGES):
        is_inner = 0 < stage < len(_STAGES) - 1
        out = _round_channels(base_channels * width)
        for number in range(math.ceil(repeats * depth) if is_inner else repeats):
            blocks.append(Block(expand, kernel, stride if number == 0 else 1, channels, out))
            channels = out
        if stage == _MIDDLE_STAGE:
            middle = len(blocks) - 1
    return Architecture(stem=32, blocks=tuple(blocks), features=1280, middle=middle)


def _round_channels(channels: float) -> int:
    """Round to the nearest multiple of 8, but never down by more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


LITE0: Final = _scale_lite(1.0, 1.0)
LITE2: Final = _scale_lite(1.1, 1.2)
