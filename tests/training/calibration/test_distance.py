import numpy as np
import pytest

from training.calibration.distance import fit_distance


def test_is_the_mahalanobis_distance_where_all_directions_count() -> None:
    """Variances 9, 4, 1, 1: two get their own, the rest is 1."""
    rng = np.random.default_rng(5)
    features = rng.normal(size=(20_000, 4)) * (3, 2, 1, 1) + (5, -1, 0, 2)
    distance = fit_distance(features)
    points = rng.normal(size=(50, 4)) * 4
    away = points - features.mean(0)
    wanted = np.sqrt(((away @ np.linalg.inv(np.cov(features.T))) * away).sum(1) / 4)
    assert distance(points) == pytest.approx(wanted, rel=0.03)
    assert np.sqrt((distance(features) ** 2).mean()) == pytest.approx(1, rel=0.02)


def test_channels_that_never_change_give_no_infinity() -> None:
    features = np.random.default_rng(6).normal(size=(100, 8)) * (np.arange(8) > 3)
    distance = fit_distance(features)
    assert np.isfinite(distance(features)).all()
    assert np.isfinite(distance(features + 1)).all()
