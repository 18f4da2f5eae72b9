import numpy as np

from training.fitting.augmentation import augment

RNG = np.random.default_rng(1)
IMAGE = RNG.integers(60, 190, (80, 80, 3), np.uint8)


def _augment(image: np.ndarray, seed: int) -> np.ndarray:
    return augment(image, 48, np.random.default_rng((7, seed)))


def test_seed_decides_the_augmentation() -> None:
    first = _augment(IMAGE, 1)
    assert first.shape == (48, 48, 3)
    assert first.dtype == np.float32
    assert np.array_equal(first, _augment(IMAGE, 1))
    assert np.abs(first - _augment(IMAGE, 2)).mean() > 1


def test_augmented_values_stay_in_range() -> None:
    extreme = np.where(IMAGE > 120, 255, 0).astype(np.uint8)
    for seed in range(20):
        changed = _augment(extreme, seed)
        assert changed.min() >= 0
        assert changed.max() <= 255


def test_augmentation_keeps_the_middle_in_the_crop() -> None:
    """A bright spot in the middle stays visible under every rotation, reflection and shift."""
    image = np.full((80, 80, 3), 40, np.uint8)
    image[34:46, 34:46] = 220
    for seed in range(30):
        changed = _augment(image, seed).mean(-1)
        assert changed.max() > 120
        assert np.median(changed) < 90


def test_augmentation_covers_both_reflections_and_all_quarters() -> None:
    """A bright corner lands in all four quarters, for both orders of its colours."""
    image = np.full((80, 80, 3), 60, np.uint8)
    image[:40, :40] = (200, 60, 60)
    image[:40, 40:] = (60, 200, 60)
    seen = set()
    for seed in range(60):
        y, x = np.mgrid[:48, :48] - 23.5
        changed = _augment(image, seed)
        red, green = (np.maximum(changed[..., i] - changed[..., 2], 0) for i in (0, 1))
        (ry, rx), (gy, gx) = (((y * c).sum(), (x * c).sum()) for c in (red, green))
        seen.add((ry > 0, rx > 0, ry * gx - rx * gy > 0))
    assert len(seen) == 8
