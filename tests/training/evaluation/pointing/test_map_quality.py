import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from training.evaluation.pointing.map_quality import (
    average_over_flips,
    disc_auc,
    find_stable_peaks,
    has_outline,
    pixel_auc,
)
from training.model.views import FLIPS, flip

RNG = np.random.default_rng(3)


def test_mean_over_four_flips_turns_with_the_image_and_one_look_does_not() -> None:
    """Each flip of an image gets a map of its own, as from a network that sees them as different images."""
    evidence = RNG.normal(size=(4, 6, 5, 5))
    four, two, one = (average_over_flips(evidence, count) for count in (4, 2, 1))
    assert four == pytest.approx(np.broadcast_to(four[0], four.shape))
    assert two[1] == pytest.approx(two[0])
    assert np.abs(two[2] - two[0]).max() > 0.1
    assert (find_stable_peaks(four) == 1).all()
    assert find_stable_peaks(one).mean() < 0.5
    upright = np.stack([flip(maps, flipped) for maps, flipped in zip(evidence, FLIPS, strict=True)])
    assert one == pytest.approx(upright)
    assert two[0] == pytest.approx(upright[:2].mean(axis=0))
    assert four[0] == pytest.approx(upright.mean(axis=0))


def test_pixel_auc_is_that_of_scikit_learn() -> None:
    lesion = RNG.random((7, 7)) < 0.3
    cells = RNG.normal(size=(7, 7)).astype(np.float32)
    assert pixel_auc(cells, lesion) == pytest.approx(roc_auc_score(lesion.ravel(), cells.ravel()))


def test_disc_is_right_for_a_lesion_in_the_centre_and_wrong_for_one_in_a_corner() -> None:
    central, corner = np.zeros((2, 40, 40), bool)
    central[15:25, 15:25] = corner[:10, :10] = True
    assert disc_auc(central) > 0.95
    assert disc_auc(corner) < 0.2


def test_outline_is_drawn_only_where_evidence_for_malignancy_is_not_outweighed() -> None:
    assert has_outline(np.array([[1.0, -2.0]]))
    assert not has_outline(np.array([[0.9, -2.0]]))
    assert not has_outline(np.zeros((2, 2)))
