import numpy as np
from PIL import Image

from samples.lesions import render_lesion
from training.data.duplicates.candidates import compute_phashes, find_candidates
from training.data.duplicates.fingerprint import THUMBNAIL_SIDE, Fingerprint, compute_phash
from training.data.duplicates.orientations import generate_orientations


def make_fingerprint(thumbnail: np.ndarray) -> Fingerprint:
    return Fingerprint(64, 64, "", "", compute_phash(thumbnail), thumbnail)


def make_thumbnail(seed: int) -> np.ndarray:
    image = render_lesion(np.random.default_rng(seed), 96, 96).convert("L")
    return np.asarray(image.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX))


def test_hashes_of_many_images_are_those_of_imagehash() -> None:
    thumbnails = [make_thumbnail(seed) for seed in range(30)]
    small = np.stack(
        [np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.LANCZOS)) for image in thumbnails]
    )
    assert compute_phashes(small).tolist() == [compute_phash(image) for image in thumbnails]


def test_each_turned_copy_is_a_candidate_in_its_orientation() -> None:
    """With the hash that the turned image itself has: the number of bits that differ is 0."""
    original = make_thumbnail(3)
    turned = [np.ascontiguousarray(image[0]) for image in generate_orientations(original[None])]
    for number, copy in enumerate(turned):
        found = {
            orientation
            for orientation, pairs in find_candidates([make_fingerprint(copy), make_fingerprint(original)])
            if len(pairs)
        }
        assert number in found
