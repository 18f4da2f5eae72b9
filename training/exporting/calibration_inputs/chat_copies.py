"""Copies of images as another camera would take them and a chat would compress them.

The kind of an image and its feature distance depend on fine detail, which a chat's compression changes. So both are
fitted to the images and to such copies of them.
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
    """Append a changed copy of each image uint8 [n, size, size, 3]; the result is uint8 [2 n, size, size, 3]."""
    size = pixels.shape[1]
    copies = [augment(image, size, np.random.default_rng((1, row)), _CHANGES) for row, image in enumerate(pixels)]
    return np.concatenate((pixels, np.rint(np.stack(copies)).astype(np.uint8)))
