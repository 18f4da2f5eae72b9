"""Draws the random parameters of augmentation with numpy, so that they do not depend on Keras' backend.

What belongs to a source or a clinic and not to a lesion is drawn from the same wide distributions for all of them:
resolution, compression, dark corners, rulers and ink must not tell the source, as the source tells the label.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from training.fitting.drawing.overlays import HAIR_COUNT, MARK_COUNT

Floats = npt.NDArray[np.float32]
#: Parameters of n images by name; each array has n rows.
Parameters = dict[str, Floats]

#: Side of the crop as a share of the image's side, and ratio of the crop's sides.
ZOOM: Final = (0.6, 1.15)
STRETCH: Final = (0.8, 1.25)
#: Maximum shift of the crop's centre, as a share of the image's side.
SHIFT: Final = 0.12
#: Scale of an overlay.
OVERLAY_ZOOM: Final = (0.6, 1.4)
HAIR_PROBABILITY: Final = 0.4
MARK_PROBABILITY: Final = 0.25
DARK_CORNERS_PROBABILITY: Final = 0.3
#: Radius of the visible field, and width of its soft edge, as shares of the image's side.
FIELD_RADIUS: Final = (0.44, 0.7)
FIELD_EDGE: Final = (0.005, 0.08)
GAIN: Final = (0.9, 1.11)
BRIGHTNESS: Final = 0.12
CONTRAST: Final = (0.75, 1.33)
SATURATION: Final = (0.75, 1.33)
GAMMA: Final = (0.8, 1.25)
LOW_RESOLUTION_PROBABILITY: Final = 0.5
MIN_RESOLUTION: Final = 0.3
BLUR_PROBABILITY: Final = 0.3
#: Standard deviation in pixels of 224.
MAX_BLUR: Final = 2.2
COMPRESSION_PROBABILITY: Final = 0.5
QUALITY: Final = (20.0, 95.0)


def draw_parameters(count: int, rng: np.random.Generator) -> Parameters:
    """Draw the parameters of `count` images."""

    def happens(probability: float) -> npt.NDArray[np.bool_]:
        return rng.random(count) < probability

    def log_uniform(low: float, high: float, *shape: int) -> npt.NDArray[np.float64]:
        return np.exp(rng.uniform(math.log(low), math.log(high), (count, *shape)))

    hair = np.where(happens(HAIR_PROBABILITY), rng.integers(HAIR_COUNT, size=count), -1)
    marks = np.where(happens(MARK_PROBABILITY), HAIR_COUNT + rng.integers(MARK_COUNT, size=count), -1)
    has_corners = happens(DARK_CORNERS_PROBABILITY)
    field = np.stack(
        [
            np.where(has_corners, rng.uniform(*FIELD_RADIUS, count), 9.0),
            rng.uniform(*FIELD_EDGE, count),
            *rng.uniform(-0.06, 0.06, (2, count)),
            rng.uniform(0.9, 1.1, count),
            rng.uniform(0, 25, count),
        ],
        axis=1,
    )
    resolution = np.where(happens(LOW_RESOLUTION_PROBABILITY), log_uniform(MIN_RESOLUTION, 1.0), 1.0)
    blur = np.where(happens(BLUR_PROBABILITY), rng.uniform(0, MAX_BLUR, count), 0.0)
    quality = np.where(happens(COMPRESSION_PROBABILITY), rng.uniform(*QUALITY, count), 0.0)
    parameters = {
        "warp": _draw_warps(count, rng, ZOOM, SHIFT, STRETCH),
        "overlay": np.stack([hair, marks], axis=1),
        "overlay_opacity": rng.uniform(0.6, 1.0, (count, 2)),
        "hair_warp": _draw_warps(count, rng, OVERLAY_ZOOM, 0.2, (1.0, 1.0)),
        "mark_warp": _draw_warps(count, rng, OVERLAY_ZOOM, 0.1, (1.0, 1.0)),
        "field": field,
        "gain": log_uniform(*GAIN, 3),
        "brightness": rng.uniform(-BRIGHTNESS, BRIGHTNESS, (count, 1)) * 255,
        "contrast": log_uniform(*CONTRAST, 1),
        "saturation": log_uniform(*SATURATION, 1),
        "gamma": log_uniform(*GAMMA, 1),
        "resolution": resolution[:, None],
        "blur": blur[:, None],
        "quality": quality[:, None],
    }
    return {name: np.asarray(values, np.float32) for name, values in parameters.items()}


def _draw_warps(
    count: int, rng: np.random.Generator, zoom: tuple[float, float], shift: float, stretch: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """Draw maps [count, 6] from a point of the result to one of the image, both relative to a side of 1.

    A map is a rotation, a reflection, a scale and a shift: x' = a x + b y + c and y' = d x + e y + f, with the origin
    in the middle of the result and at the corner of the image.
    """
    scale = np.exp(rng.uniform(math.log(zoom[0]), math.log(zoom[1]), count))
    ratio = np.exp(rng.uniform(math.log(stretch[0]), math.log(stretch[1]), count) / 2)
    angle, mirror = rng.uniform(0, 2 * math.pi, count), rng.choice((-1, 1), count)
    cos, sin = np.cos(angle), np.sin(angle)
    centre = 0.5 + rng.uniform(-shift, shift, (2, count))
    return np.stack(
        [
            scale * ratio * cos * mirror,
            -scale / ratio * sin,
            centre[0],
            scale * ratio * sin * mirror,
            scale / ratio * cos,
            centre[1],
        ],
        axis=1,
    )
