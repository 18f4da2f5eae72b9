"""The loss of JPEG, computed on Keras' backend: colours are averaged and frequencies rounded, nothing is encoded."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from keras import ops

#: Any backend's tensor.
Tensor = Any
Floats = npt.NDArray[np.float32]

_BLOCK: Final = 8
#: The steps of luminance and of colour that the standard suggests (ITU-T T.81, annex K), for a quality of 50.
_LUMINANCE: Final = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_COLOUR_CORNER: Final = ((17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99))
_TO_YCBCR: Final = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]], np.float32)
_FROM_YCBCR: Final = np.linalg.inv(_TO_YCBCR).astype(np.float32)


def compress(x: Tensor, quality: Tensor) -> Tensor:
    """Compress images float32 [n, size, size, 3] by `quality` [n, 1] in [1, 100]; those of quality 0 do not change.

    `size` is a multiple of 16.
    """
    size = x.shape[1]
    cells = size // _BLOCK
    colours = ops.einsum("nijc,dc->nijd", x, ops.convert_to_tensor(_TO_YCBCR))
    colours = ops.concatenate([colours[..., :1] - 128, _average_quads(colours[..., 1:])], axis=-1)
    blocks = ops.reshape(colours, (-1, cells, _BLOCK, cells, _BLOCK, 3))
    cosines = ops.convert_to_tensor(_make_cosines())
    spectrum = ops.einsum("ui,naibjc,vj->naubvc", cosines, blocks, cosines)
    safe = ops.maximum(quality, 1.0)
    scale = ops.where(safe < 50, 50 / safe, 2 - safe / 50)
    steps = ops.maximum(ops.convert_to_tensor(_make_steps()[None, None]) * scale[:, :, None, None, None, None], 1.0)
    spectrum = ops.round(spectrum / steps) * steps
    blocks = ops.einsum("ui,naubvc,vj->naibjc", cosines, spectrum, cosines)
    colours = ops.reshape(blocks, (-1, size, size, 3))
    colours = ops.concatenate([colours[..., :1] + 128, colours[..., 1:]], axis=-1)
    compressed = ops.einsum("nijd,cd->nijc", colours, ops.convert_to_tensor(_FROM_YCBCR))
    return ops.where(quality[:, :, None, None] > 0, compressed, x)


def _average_quads(colours: Tensor) -> Tensor:
    """Replace each square of four pixels by its mean, as JPEG does with colours."""
    size = colours.shape[1]
    quads = ops.reshape(colours, (-1, size // 2, 2, size // 2, 2, 2))
    means = ops.mean(quads, axis=(2, 4), keepdims=True)
    return ops.reshape(ops.broadcast_to(means, ops.shape(quads)), (-1, size, size, 2))


def _make_cosines() -> Floats:
    """Make the matrix of the discrete cosine transform, [8, 8], orthonormal."""
    rows, columns = np.mgrid[:_BLOCK, :_BLOCK]
    cosines = np.cos((2 * columns + 1) * rows * np.pi / (2 * _BLOCK)) * np.sqrt(2 / _BLOCK)
    cosines[0] /= np.sqrt(2)
    return np.asarray(cosines, np.float32)


def _make_steps() -> Floats:
    """Make the steps of quality 50: [8, 1, 8, 3] by rows, columns and colours."""
    colour = np.full((_BLOCK, _BLOCK), 99)
    colour[:4, :4] = _COLOUR_CORNER
    return np.asarray(np.stack([np.array(_LUMINANCE), colour, colour], axis=-1)[:, None], np.float32)
