"""Changes that must not matter: each is seen in the picture, none makes it another picture."""

import numpy as np
import pytest
from PIL import Image

from samples.lesions import render_lesion
from training.evaluation.stress.changes import CHANGES, NamedChange
from training.evaluation.stress.overlays import draw_dark_corners, draw_pen, draw_ruler


@pytest.fixture(scope="module")
def lesion() -> Image.Image:
    return render_lesion(np.random.default_rng(1), 240, 200)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_each_change_is_the_same_each_time_and_keeps_the_picture(change: NamedChange, lesion: Image.Image) -> None:
    before = np.asarray(lesion).copy()
    first, second = (change.change(lesion, np.random.default_rng(5)) for _ in range(2))
    assert (np.asarray(lesion) == before).all()
    assert (np.asarray(first) == np.asarray(second)).all()
    assert first.mode == "RGB"
    turns = change.name == "rotated_90"
    assert first.size == (lesion.size[::-1] if turns else lesion.size)
    assert turns or (np.asarray(first) != before).any()
    # Most of the picture is as bright as it was: the lesion is still there. Dark corners may hide a quarter of it.
    assert abs(np.asarray(first, float).mean() / before.mean() - 1) < 0.3


def test_marks_leave_the_lesion_free(lesion: Image.Image) -> None:
    before = np.asarray(lesion, float)[80:120, 100:140]
    for draw in (draw_pen, draw_ruler, draw_dark_corners):
        after = np.asarray(draw(lesion, np.random.default_rng(2)), float)[80:120, 100:140]
        assert np.abs(after - before).max() <= 1, draw


def test_the_four_copies_that_must_not_matter() -> None:
    assert {change.name for change in CHANGES if change.harmless} == {"rotated_90", "flipped", "jpeg_60", "darker_10"}
