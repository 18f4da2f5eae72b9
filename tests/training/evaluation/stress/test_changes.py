import numpy as np
import pytest
from PIL import Image

from samples.lesions import render_lesion
from training.evaluation.stress.overlays import draw_dark_corners, draw_pen, draw_ruler
from training.evaluation.stress.stress_suite import CHANGES, NamedChange


@pytest.fixture(scope="module")
def lesion() -> Image.Image:
    return render_lesion(np.random.default_rng(1), 240, 200)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_change_is_deterministic_visible_and_moderate(change: NamedChange, lesion: Image.Image) -> None:
    before = np.asarray(lesion).copy()
    first, second = (change.change(lesion, np.random.default_rng(5)) for _ in range(2))
    assert (np.asarray(lesion) == before).all()
    assert (np.asarray(first) == np.asarray(second)).all()
    assert first.mode == "RGB"
    is_turned = change.name == "rotated_90"
    assert first.size == (lesion.size[::-1] if is_turned else lesion.size)
    assert is_turned or (np.asarray(first) != before).any()
    # Most of the image is as bright as before, so the lesion is still there. Dark corners may hide a quarter of it.
    assert abs(np.asarray(first, float).mean() / before.mean() - 1) < 0.3


def test_overlays_leave_the_lesion_free(lesion: Image.Image) -> None:
    before = np.asarray(lesion, float)[80:120, 100:140]
    for draw in (draw_pen, draw_ruler, draw_dark_corners):
        after = np.asarray(draw(lesion, np.random.default_rng(2)), float)[80:120, 100:140]
        assert np.abs(after - before).max() <= 1, draw


def test_harmless_changes() -> None:
    assert {change.name for change in CHANGES if change.harmless} == {"rotated_90", "flipped", "jpeg_60", "darker_10"}
