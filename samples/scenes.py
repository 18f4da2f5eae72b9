"""Images without a lesion, such as users send by mistake."""

from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from samples.appearance import Appearance, Device
from samples.lesions import add_grain, render_skin
from samples.noise import smooth_noise

_LETTER: Final = """Dear neighbour,

the lift will be out of order on Tuesday
from nine to twelve. Please take the
stairs, or ask the caretaker for help.

The laundry room stays open. Bicycles
may be left in the yard until noon.

With kind regards,
the house committee
"""


def plain_skin(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Render skin without a lesion."""
    appearance = Appearance(device=Device.DERMATOSCOPE, skin=3)
    rows, columns = height // 2, width // 2
    skin = render_skin(rng, rows, columns, appearance).clip(0, 255).astype(np.uint8)
    return add_grain(rng, Image.fromarray(skin).resize((width, height), Image.Resampling.BICUBIC), 3.0)


def letter(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Render a printed page at a slight angle."""
    page = Image.new("RGB", (width, height), (244, 242, 236))
    ImageDraw.Draw(page).multiline_text(
        (width // 8, height // 9), _LETTER, fill=(35, 35, 40), font=ImageFont.load_default(height / 22), spacing=8
    )
    turned = page.rotate(rng.uniform(-4, 4), Image.Resampling.BICUBIC, fillcolor=(120, 96, 72))
    return add_grain(rng, turned, 3.0)


def landscape(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Render hills under a clouded sky."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
    cloud = smooth_noise(rng, height, width, 3, 4).clip(0, 1)[..., None]
    sky = np.stack((90 + 110 * y, 150 + 80 * y, 230 - 5 * y), axis=-1)
    colour = sky * (1 - 0.8 * cloud) + 250 * 0.8 * cloud
    for ridge in range(4):
        line = 0.5 + 0.12 * ridge + 0.06 * np.sin(x * rng.uniform(3, 7) + rng.uniform(0, 6)) * (1 - ridge / 6)
        grass = np.array((96 - 12 * ridge, 130 - 14 * ridge, 110 - 24 * ridge), np.float32)
        leaf = 1 + 0.12 * smooth_noise(rng, height, width, 50, 2)[..., None]
        colour = np.where((y > line)[..., None], grass * leaf, colour)
    return add_grain(rng, Image.fromarray(colour.clip(0, 255).astype(np.uint8)), 3.0)


def mug(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Render a mug on a table."""
    table = np.array((150, 112, 78)) * (1 + 0.06 * smooth_noise(rng, 24, width, 40)[:1, :, None])
    wood = np.broadcast_to(table, (height, width, 3)).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(wood))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, height * 0.45), fill=(206, 204, 198))
    left, top, right, bottom = width * 0.36, height * 0.25, width * 0.6, height * 0.78
    lip = height * 0.05
    draw.ellipse((left - 10, bottom - lip, right + 60, bottom + 2 * lip), fill=(96, 72, 52))
    thick = round(height * 0.035)
    draw.ellipse((right - 50, top + 3 * lip, right + width * 0.1, bottom - 3 * lip), outline=(28, 88, 140), width=thick)
    for step in range(60):
        edge = left + (right - left) * step / 60
        shade = 0.75 + 0.45 * np.sin(np.pi * (step + 8) / 76)
        fill = (round(34 * shade), round(104 * shade), round(164 * shade))
        draw.rectangle((edge, top, edge + (right - left) / 60 + 1, bottom), fill=fill)
    draw.ellipse((left, bottom - lip, right, bottom + lip), fill=(28, 88, 140))
    draw.ellipse((left, top - lip, right, top + lip), fill=(52, 26, 14), outline=(60, 134, 190), width=6)
    return add_grain(rng, image.filter(ImageFilter.GaussianBlur(1.2)), 3.0)


def checkerboard(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Render a checkerboard."""
    y, x = np.mgrid[0:height, 0:width] // max(1, min(width, height) // 8)
    tiles = np.where((x + y) % 2, 232, 24).astype(np.uint8)
    return add_grain(rng, Image.fromarray(tiles).convert("RGB"), 3.0)


def static(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Render pure noise."""
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))


Scene = Callable[[np.random.Generator, int, int], Image.Image]

#: Every scene by name.
SCENES: Final[dict[str, Scene]] = {
    "plain-skin": plain_skin,
    "letter": letter,
    "landscape": landscape,
    "mug": mug,
    "checkerboard": checkerboard,
    "static": static,
}
