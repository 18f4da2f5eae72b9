import numpy as np

from training.fitting.augmentation import augment

RNG = np.random.default_rng(1)
PICTURE = RNG.integers(60, 190, (80, 80, 3), np.uint8)


def _changed(image: np.ndarray, seed: int) -> np.ndarray:
    return augment(image, 48, np.random.default_rng((7, seed)))


def test_the_seed_decides() -> None:
    first = _changed(PICTURE, 1)
    assert first.shape == (48, 48, 3)
    assert first.dtype == np.float32
    assert np.array_equal(first, _changed(PICTURE, 1))
    assert np.abs(first - _changed(PICTURE, 2)).mean() > 1


def test_stays_a_picture() -> None:
    extreme = np.where(PICTURE > 120, 255, 0).astype(np.uint8)
    for seed in range(20):
        changed = _changed(extreme, seed)
        assert changed.min() >= 0
        assert changed.max() <= 255


def test_the_middle_of_the_picture_stays_in_sight() -> None:
    """A bright spot in the middle is seen whatever the rotation, the mirror and the shift."""
    image = np.full((80, 80, 3), 40, np.uint8)
    image[34:46, 34:46] = 220
    for seed in range(30):
        changed = _changed(image, seed).mean(-1)
        assert changed.max() > 120
        assert np.median(changed) < 90


def test_both_mirror_images_and_many_angles_come() -> None:
    """A wedge's bright corner lands in all four quarters, for both orders of its colours."""
    image = np.full((80, 80, 3), 60, np.uint8)
    image[:40, :40] = (200, 60, 60)
    image[:40, 40:] = (60, 200, 60)
    seen = set()
    for seed in range(60):
        y, x = np.mgrid[:48, :48] - 23.5
        changed = _changed(image, seed)
        red, green = (np.maximum(changed[..., i] - changed[..., 2], 0) for i in (0, 1))
        (ry, rx), (gy, gx) = (((y * c).sum(), (x * c).sum()) for c in (red, green))
        seen.add((ry > 0, rx > 0, ry * gx - rx * gy > 0))
    assert len(seen) == 8
