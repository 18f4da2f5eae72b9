"""Copies of pictures as other cameras would take them and chats would send them.

Which kind of picture it is, and how far from the training pictures, is told by fine detail, and a chat's compression
changes that. So both are fitted to pictures and to such copies of them.
"""

from typing import Final

import numpy as np

from training.data.image_cache import Pixels
from training.fitting.augmentation import Augmentation, augment

_CHANGES: Final = frozenset(
    {
        Augmentation.BRIGHTNESS,
        Augmentation.WHITE_BALANCE,
        Augmentation.RESOLUTION,
        Augmentation.ENCODING,
        Augmentation.FLIP,
        Augmentation.ROTATION,
    }
)


def append_chat_copies(pixels: Pixels) -> Pixels:
    """Pictures uint8 [n, size, size, 3] and, after them, a changed copy of each: uint8 [2 n, size, size, 3]."""
    size = pixels.shape[1]
    copies = [augment(image, size, np.random.default_rng((1, row)), _CHANGES) for row, image in enumerate(pixels)]
    return np.concatenate((pixels, np.rint(np.stack(copies)).astype(np.uint8)))
