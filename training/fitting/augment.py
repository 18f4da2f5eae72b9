"""Random changes to training pictures, in TensorFlow. Never a part of the exported model.

A lesion has no up or down, so any rotation and mirroring is as good as the original. The light and the
camera's colour differ from place to place. How sharp a picture is tells where a copy of it came from, so
resolution is made to say nothing.
"""

from typing import Final

import tensorflow as tf

#: Side of the crop as a share of the picture's side, and ratio of the crop's sides.
ZOOM: Final = (0.6, 1.1)
STRETCH: Final = (0.8, 1.25)
#: Largest shift of the crop's centre, as a share of the picture's side.
SHIFT: Final = 0.12
BRIGHTNESS: Final = 0.1
CONTRAST: Final = (0.8, 1.25)
SATURATION: Final = (0.8, 1.25)
#: Each colour channel's own gain: the white balance.
GAIN: Final = (0.92, 1.08)
#: Share of pictures that lose resolution, and the lowest share of the side that is left.
COARSE: Final = 0.5
COARSEST: Final = 0.35


def augment(picture: tf.Tensor, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Change one picture uint8 [side, side, 3] to float32 [size, size, 3] in [0, 255].

    `seed`, int32 [2], decides everything.
    """
    x = tf.cast(picture, tf.float32)
    side = tf.cast(tf.shape(x)[0], tf.float32)
    draw = tf.random.stateless_uniform([12], seed)
    x = _warp(x, size, side, draw)
    x = tf.cond(draw[6] < COARSE, lambda: _coarsen(x, size, draw[7]), lambda: x)
    return tf.ensure_shape(_recolour(x, draw[8:], seed + 1), (size, size, 3))


def _between(low_high: tuple[float, float], share: tf.Tensor) -> tf.Tensor:
    """Log-uniform, so that halving is as likely as doubling."""
    low, high = low_high
    return low * tf.pow(high / low, share)


def _warp(x: tf.Tensor, size: int, side: tf.Tensor, draw: tf.Tensor) -> tf.Tensor:
    """Rotate, mirror, crop and scale in one resampling. Outside the picture its mirror image is seen."""
    zoom = _between(ZOOM, draw[0]) * side / size
    stretch = tf.sqrt(_between(STRETCH, draw[1]))
    angle = draw[2] * 2 * 3.14159265
    mirror = tf.where(draw[3] < 0.5, -1.0, 1.0)
    cos, sin = tf.cos(angle), tf.sin(angle)
    # From a point of the result, seen from its centre, to a point of the picture, seen from its centre.
    a, b = zoom * stretch * cos * mirror, -zoom / stretch * sin
    c, d = zoom * stretch * sin * mirror, zoom / stretch * cos
    centre_in = (side - 1) / 2 + (draw[4:6] * 2 - 1) * SHIFT * side
    centre_out = (size - 1) / 2
    shift_x = centre_in[0] - (a + b) * centre_out
    shift_y = centre_in[1] - (c + d) * centre_out
    transform = tf.stack([a, b, shift_x, c, d, shift_y, 0.0, 0.0])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=x[None],
        transforms=transform[None],
        output_shape=[size, size],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )[0]


def _coarsen(x: tf.Tensor, size: int, share: tf.Tensor) -> tf.Tensor:
    """Shrink and enlarge again, as a copy of low resolution would be."""
    small = tf.cast(size * _between((COARSEST, 1.0), share), tf.int32)
    shrunk = tf.image.resize(x, (small, small), "bilinear", antialias=True)
    return tf.image.resize(shrunk, (size, size), "bilinear")


def _recolour(x: tf.Tensor, draw: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Change the light, the contrast, the saturation and the white balance."""
    gain = _between(GAIN, tf.random.stateless_uniform([3], seed))
    x = x * gain + (draw[0] * 2 - 1) * BRIGHTNESS * 255
    mean = tf.reduce_mean(x)
    x = mean + (x - mean) * _between(CONTRAST, draw[1])
    grey = tf.reduce_mean(x, axis=-1, keepdims=True)
    x = grey + (x - grey) * _between(SATURATION, draw[2])
    return tf.clip_by_value(x, 0.0, 255.0)
