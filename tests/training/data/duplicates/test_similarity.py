import io

import numpy as np
from PIL import Image, ImageFilter

from training.data.duplicates.similarity import MIN_SIMILARITY, compute_similarity, extract_details

SIDE = 64


def draw_skin(seed: int) -> np.ndarray:
    """Smooth spots and noise in the colour of skin, [256, 256]."""
    rng = np.random.default_rng(seed)
    spots = Image.fromarray(rng.integers(120, 230, (24, 24), np.uint8)).resize((256, 256), Image.Resampling.BICUBIC)
    return np.asarray(spots, np.float64) + rng.normal(0, 4, (256, 256))


def add_frame(image: np.ndarray, radius: float = 0.42) -> np.ndarray:
    """Show a round field of an image on black, as some dermatoscopes do."""
    y, x = np.mgrid[-0.5:0.5:256j, -0.5:0.5:256j]
    return np.asarray(image * ((radius - np.hypot(x, y)) / 0.01).clip(0, 1))


def shrink(image: np.ndarray) -> np.ndarray:
    pil_image = Image.fromarray(image.clip(0, 255).astype(np.uint8))
    return np.asarray(pil_image.resize((SIDE, SIDE), Image.Resampling.BOX))


def encode(image: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    small = Image.fromarray(image.clip(0, 255).astype(np.uint8)).resize((160, 160), Image.Resampling.BILINEAR)
    small.filter(ImageFilter.GaussianBlur(0.4)).save(stream, "JPEG", quality=50)
    return np.asarray(Image.open(stream).resize((256, 256)), np.float64)


def compare(first: np.ndarray, second: np.ndarray) -> float:
    details = extract_details(np.stack([shrink(first), shrink(second)]))
    return float(compute_similarity(details[:1], details[1:])[0])


def test_round_fields_of_two_lesions_are_no_copies() -> None:
    """Fields of one dermatoscope have the same edge, whatever they show."""
    similarities = [compare(add_frame(draw_skin(seed)), add_frame(draw_skin(100 + seed))) for seed in range(8)]
    assert max(similarities) < 0.6 * MIN_SIMILARITY


def test_copies_with_and_without_a_round_field_are_found() -> None:
    for image in (draw_skin(1), add_frame(draw_skin(2)), add_frame(draw_skin(3), radius=0.3)):
        assert compare(image, encode(image)) > MIN_SIMILARITY


def test_dark_lesion_in_the_middle_is_not_taken_for_a_frame() -> None:
    image = draw_skin(4)
    y, x = np.mgrid[-0.5:0.5:256j, -0.5:0.5:256j]
    image[np.hypot(x, y) < 0.25] *= 0.15
    details = extract_details(shrink(image)[None])[0]
    assert np.abs(details[28:36, 28:36]).max() > 0
