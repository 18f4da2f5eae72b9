import numpy as np
import pytest

from training.calibration.distance import fit_distance


def test_distance_is_mahalanobis_if_all_directions_matter() -> None:
    """Of the variances 9, 4, 1 and 1, the first two are kept; the mean of the others is 1."""
    rng = np.random.default_rng(5)
    features = rng.normal(size=(20_000, 4)) * (3, 2, 1, 1) + (5, -1, 0, 2)
    distance = fit_distance(features)
    points = rng.normal(size=(50, 4)) * 4
    centred = points - features.mean(0)
    expected = np.sqrt(((centred @ np.linalg.inv(np.cov(features.T))) * centred).sum(1) / 4)
    assert distance(points) == pytest.approx(expected, rel=0.03)
    assert np.sqrt((distance(features) ** 2).mean()) == pytest.approx(1, rel=0.02)


def test_constant_channels_give_finite_distances() -> None:
    features = np.random.default_rng(6).normal(size=(100, 8)) * (np.arange(8) > 3)
    distance = fit_distance(features)
    assert np.isfinite(distance(features)).all()
    assert np.isfinite(distance(features + 1)).all()
