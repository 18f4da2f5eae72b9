import numpy as np
import pytest

from training.calibration.distance import POPULATION_SHARE, choose_max_distance, fit_distance


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


@pytest.mark.parametrize("lesions", [40, 1000, 1001])
def test_the_promised_share_of_held_out_lesions_is_within_the_largest_distance(lesions: int) -> None:
    """Of 1,000 distances 975 pass: fewer lesions would get no answer, more would let strange images in."""
    distances = np.random.default_rng(lesions).gamma(4, size=lesions)
    passed = (distances <= choose_max_distance(distances)).sum()
    assert passed == pytest.approx(POPULATION_SHARE * lesions, abs=1)
    assert POPULATION_SHARE == 0.975


def test_about_the_promised_share_of_other_lesions_is_within_the_largest_distance() -> None:
    rng = np.random.default_rng(8)
    training, held_out, others = (rng.normal(size=(count, 40)) * np.arange(1, 41) for count in (4000, 2000, 4000))
    distance = fit_distance(training)
    largest = choose_max_distance(distance(held_out))
    assert (distance(others) <= largest).mean() == pytest.approx(POPULATION_SHARE, abs=0.01)
    assert (distance(others * 1.5) <= largest).mean() < 0.5


@pytest.mark.parametrize(("features", "kept"), [(6, 3), (128, 64), (200, 64)])
def test_at_most_half_of_the_directions_have_a_variance_of_their_own(features: int, kept: int) -> None:
    distance = fit_distance(np.random.default_rng(9).normal(size=(300, features)))
    assert distance.directions.shape == (features, kept)
    assert distance.directions.T @ distance.directions == pytest.approx(np.eye(kept), abs=1e-4)


def test_images_without_any_variance_have_a_finite_distance() -> None:
    distance = fit_distance(np.ones((50, 8)))
    assert distance(np.ones((1, 8))) == pytest.approx([0])
    assert np.isfinite(distance(np.full((1, 8), 2.0))).all()
