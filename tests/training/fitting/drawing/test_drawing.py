import io

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from training.evaluation.measures.source_separation import POOREST_SIDE
from training.fitting.drawing.augmenter import Augmenter
from training.fitting.drawing.compression import compress
from training.fitting.drawing.overlays import HAIR_COUNT, MARK_COUNT, draw_stock
from training.fitting.drawing.parameters import Parameters, draw_parameters

pytestmark = pytest.mark.slow

SIDE = 32


@pytest.fixture(scope="module")
def augmenter() -> Augmenter:
    return Augmenter(SIDE)


def _make_image() -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.stack([5 * x + 40, 4 * y + 60, 3 * x + 2 * y + 30], axis=-1).astype(np.uint8)


def _make_neutral_parameters(count: int) -> Parameters:
    """Parameters that leave an image as it is."""
    neutral = draw_parameters(count, np.random.default_rng(1))
    identity = np.array([1, 0, 0.5, 0, 1, 0.5], np.float32)
    for name in ("warp", "hair_warp", "mark_warp"):
        neutral[name][:] = identity
    neutral["overlay"][:] = -1
    neutral["field"][:, 0] = 9
    for name, value in (("gain", 1), ("brightness", 0), ("contrast", 1), ("saturation", 1), ("gamma", 1)):
        neutral[name][:] = value
    for name, value in (("resolution", 1), ("blur", 0), ("quality", 0)):
        neutral[name][:] = value
    return neutral


def test_each_change_does_what_its_name_says(augmenter: Augmenter) -> None:
    changes: dict[str, tuple[str, float | tuple[float, ...]]] = {
        "nothing": ("brightness", 0),
        "hair": ("overlay", (0, -1)),
        "corners": ("field", (0.5, 0.01, 0, 0, 1, 0)),
        "coarse": ("resolution", 0.25),
        "compressed": ("quality", 10),
        "flipped": ("warp", (-1, 0, 0.5, 0, 1, 0.5)),
    }
    parameters = _make_neutral_parameters(len(changes))
    parameters["overlay_opacity"][:] = 1
    for row, (name, value) in enumerate(changes.values()):
        parameters[name][row] = value
    image = _make_image()
    results = augmenter.augment(np.stack([image] * len(changes)), SIDE, parameters).astype(int)
    by_change = dict(zip(changes, results, strict=True))
    assert np.abs(by_change["nothing"] - image).max() <= 1
    assert (by_change["hair"] < image.astype(int) - 20).any()
    assert by_change["corners"][0, 0].max() <= 1
    assert np.abs(by_change["corners"][16, 16] - image[16, 16]).max() <= 1
    for name in ("coarse", "compressed"):
        assert 0.2 < np.abs(by_change[name] - image).mean() < 20, name
    assert np.abs(by_change["flipped"] - image[:, ::-1]).max() <= 1


def test_same_parameters_give_the_same_images(augmenter: Augmenter) -> None:
    pixels = np.stack([_make_image()] * 6)
    first, second = (
        augmenter.augment(pixels, SIDE, draw_parameters(6, np.random.default_rng(seed))) for seed in (3, 3)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, augmenter.augment(pixels, SIDE, draw_parameters(6, np.random.default_rng(4))))


@pytest.mark.parametrize("quality", [25, 75])
def test_compression_loses_about_what_pillow_loses(quality: int) -> None:
    rng = np.random.default_rng(0)
    spots = rng.integers(40, 216, (8, 8, 1)) + rng.integers(-12, 12, (8, 8, 3))
    smooth = Image.fromarray(spots.astype(np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    smooth.save(stream, "JPEG", quality=quality, subsampling=2)
    original = np.asarray(smooth, np.float32)
    by_pillow = np.asarray(Image.open(stream), np.float32)
    compressed = keras.ops.convert_to_numpy(
        compress(ops.convert_to_tensor(original[None]), ops.convert_to_tensor(np.array([[quality]], np.float32)))
    )[0]
    ours, pillows = (np.sqrt(np.square(result - original).mean()) for result in (compressed, by_pillow))
    assert 0.6 < ours / pillows < 1.7
    assert np.sqrt(np.square(compressed - by_pillow).mean()) < pillows


def test_stock_is_drawn_by_its_seed_and_premultiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.fitting.drawing.overlays.HAIR_COUNT", 2)
    monkeypatch.setattr("training.fitting.drawing.overlays.MARK_COUNT", 4)
    stock = draw_stock(5)
    assert stock.shape == (6, 256, 256, 4)
    assert np.array_equal(stock, draw_stock(5))
    assert (stock[..., :3] <= stock[..., 3:].astype(int) + 1).all()
    assert (stock[..., 3] > 0).any(axis=(1, 2)).all()


def test_parameters_are_in_the_stated_shares() -> None:
    parameters = draw_parameters(4000, np.random.default_rng(0))
    hair, marks = parameters["overlay"].T
    assert (hair >= 0).mean() == pytest.approx(0.4, abs=0.04)
    assert hair.max() < HAIR_COUNT <= marks[marks >= 0].min()
    assert marks.max() < HAIR_COUNT + MARK_COUNT
    assert (parameters["field"][:, 0] < 1).mean() == pytest.approx(0.3, abs=0.04)


def test_some_images_of_every_source_are_degraded_to_the_poorest() -> None:
    """Parameters know no source, and some reach the 84 pixels of BCN20000's copies and strong compression."""
    parameters = draw_parameters(4000, np.random.default_rng(0))
    is_small = parameters["resolution"][:, 0] * 224 <= POOREST_SIDE
    assert 0.05 < is_small.mean() < 0.3
    is_compressed = (parameters["quality"][:, 0] > 0) & (parameters["quality"][:, 0] < 40)
    assert 0.05 < (is_small & is_compressed).mean() / is_small.mean() < 0.5
