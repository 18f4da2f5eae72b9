import numpy as np
import pytest

from training.distance import fit_distance
from training.populations import REFUSED_LESIONS, belongs_within, distance_metrics, refuse_beyond
from training.sources import Kind


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


def test_refuses_only_what_it_can_tell_apart() -> None:
    rng = np.random.default_rng(7)
    lesions, phone = rng.normal(1, 0.1, 500), rng.normal(2, 0.3, 300)
    far = {Kind.LESION: phone, Kind.THING: rng.normal(6, 1, 200)}
    limit = refuse_beyond(lesions, far)
    assert limit is not None
    assert (phone > limit).mean() <= REFUSED_LESIONS
    assert (lesions > limit).mean() == 0
    assert refuse_beyond(lesions, far | {Kind.THING: rng.normal(2, 0.3, 200)}) is None
    assert refuse_beyond(lesions, {Kind.LESION: phone}) is None
    metrics = distance_metrics(belongs_within(lesions), limit, far)
    assert metrics["phone_thing.refused"].value > 0.9
    assert metrics["phone_lesion.outside_population"].value > 0.9
    assert "phone_thing.refused" not in distance_metrics(1.0, None, far)
