"""All changes of the stress test."""

from dataclasses import dataclass
from typing import Final

from PIL import Image

from training.evaluation.stress.copies import Change, balanced, blurred, coarse, encoded, lit, transposed, turned
from training.evaluation.stress.drawn import dark_corners, hair, pen, ruler


@dataclass(frozen=True)
class Named:
    """A change by its name. `harmless`: no one would call it another picture, so the band must stay."""

    name: str
    title: str
    change: Change
    harmless: bool = False


CHANGES: Final = (
    Named("rotated_90", "turned by 90 degrees", transposed(Image.Transpose.ROTATE_90), harmless=True),
    Named("flipped", "flipped", transposed(Image.Transpose.FLIP_LEFT_RIGHT), harmless=True),
    Named("jpeg_60", "encoded again, JPEG quality 60", encoded(60), harmless=True),
    Named("darker_10", "10 % darker", lit(0.9), harmless=True),
    Named("rotated_180", "turned by 180 degrees", transposed(Image.Transpose.ROTATE_180)),
    Named("turned_20", "turned by 20 degrees", turned(20)),
    Named("jpeg_30", "encoded again, JPEG quality 30", encoded(30)),
    Named("brighter_10", "10 % brighter", lit(1.1)),
    Named("warm", "warmer white balance", balanced(red=1.08, blue=0.92)),
    Named("cold", "colder white balance", balanced(red=0.92, blue=1.08)),
    Named("blurred", "out of focus", blurred(0.006)),
    Named("coarse", "half the resolution", coarse(0.5)),
    Named("pen", "pen marks", pen),
    Named("ruler", "a ruler", ruler),
    Named("dark_corners", "dark corners", dark_corners),
    Named("hair", "hair", hair),
)
