"""The list of all changes of the stress test."""

from dataclasses import dataclass
from typing import Final

from PIL import Image

from training.evaluation.stress.image_changes import (
    Change,
    blur,
    change_brightness,
    change_white_balance,
    encode_jpeg,
    reduce_resolution,
    rotate,
    transpose,
)
from training.evaluation.stress.overlays import draw_dark_corners, draw_hair, draw_pen, draw_ruler


@dataclass(frozen=True)
class NamedChange:
    """A change with its name and title. If it is `harmless`, the image looks the same, so the band must not change."""

    name: str
    title: str
    change: Change
    harmless: bool = False


CHANGES: Final = (
    NamedChange("rotated_90", "turned by 90 degrees", transpose(Image.Transpose.ROTATE_90), harmless=True),
    NamedChange("flipped", "flipped", transpose(Image.Transpose.FLIP_LEFT_RIGHT), harmless=True),
    NamedChange("jpeg_60", "encoded again, JPEG quality 60", encode_jpeg(60), harmless=True),
    NamedChange("darker_10", "10 % darker", change_brightness(0.9), harmless=True),
    NamedChange("rotated_180", "turned by 180 degrees", transpose(Image.Transpose.ROTATE_180)),
    NamedChange("turned_20", "turned by 20 degrees", rotate(20)),
    NamedChange("jpeg_30", "encoded again, JPEG quality 30", encode_jpeg(30)),
    NamedChange("brighter_10", "10 % brighter", change_brightness(1.1)),
    NamedChange("warm", "warmer white balance", change_white_balance(red=1.08, blue=0.92)),
    NamedChange("cold", "colder white balance", change_white_balance(red=0.92, blue=1.08)),
    NamedChange("blurred", "out of focus", blur(0.006)),
    NamedChange("coarse", "half the resolution", reduce_resolution(0.5)),
    NamedChange("pen", "pen marks", draw_pen),
    NamedChange("ruler", "a ruler", draw_ruler),
    NamedChange("dark_corners", "dark corners", draw_dark_corners),
    NamedChange("hair", "hair", draw_hair),
)
