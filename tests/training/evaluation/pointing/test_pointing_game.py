"""Does the evidence point to the lesion? A map that always says "the middle" must not look good."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.model.artefact import Manifest, read_artefact
from tests.training.evaluation.conftest import SHIPPED
from tests.training.evaluation.factories import image
from tests.training.synthetic_data import write_rows
from training.data.image_cache import Pixels
from training.data.records.labelled_image import LabelledImage, Population
from training.evaluation.pointing.lesion_regions import GRID, read_boxes, segment_lesion
from training.evaluation.pointing.pointing_game import measure_pointing
from training.exporting.predictor import Predicted


def spotted(x: int, y: int, radius: int = 22) -> Image.Image:
    rng = np.random.default_rng(x)
    pixels = np.full((192, 192, 3), (222, 180, 160), float)
    rows, columns = np.mgrid[:192, :192]
    pixels[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = (90, 60, 40)
    return Image.fromarray((pixels + rng.normal(0, 6, pixels.shape)).clip(0, 255).astype(np.uint8))


def test_the_mask_is_the_dark_spot() -> None:
    region = segment_lesion(spotted(70, 110))
    assert region is not None
    rows, columns = np.nonzero(region)
    assert (columns.mean() / GRID, rows.mean() / GRID) == pytest.approx((70 / 192, 110 / 192), abs=0.02)
    assert region.mean() == pytest.approx(np.pi * 22**2 / 192**2, rel=0.2)


def test_there_is_no_mask_where_nothing_is_found() -> None:
    """A spot at the border may be a dark corner, and so may a frame."""
    assert segment_lesion(spotted(0, 0, radius=60)) is None


class Darkness:
    """A predictor whose evidence is darkness, or the middle of the picture, whatever it shows."""

    def __init__(self, manifest: Manifest, *, central: bool) -> None:
        self._manifest, self._central = manifest, central

    def predict_each(self, images: Iterable[Pixels]) -> Predicted:
        shown = np.stack(list(images)).astype(np.float32)
        cells = 255 - shown.reshape(len(shown), 7, 32, 7, 32, 3).mean(axis=(2, 4, 5))
        if self._central:
            cells[:] = -np.hypot(*np.mgrid[-3:4, -3:4])
        labels = np.zeros((len(shown), len(self._manifest.labels)), np.float32)
        labels[:, 0] = 1
        return Predicted(labels, cells, np.zeros(len(shown), np.float32), np.zeros((len(shown), 3), np.float32))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[LabelledImage]:
    folder, rng = tmp_path_factory.mktemp("spots"), np.random.default_rng(8)
    made = []
    for number in range(24):
        x, y = (int(value) for value in rng.integers(60, 132, 2))
        spotted(x, y).save(folder / f"{number}.png")
        made.append(image("mel", str(number), path=folder / f"{number}.png"))
    return made


@pytest.mark.parametrize("central", [False, True], ids=["a map of the lesion", "a map of the middle"])
def test_a_good_map_beats_the_centre_and_a_central_one_does_not(images: list[LabelledImage], central: bool) -> None:
    manifest = read_artefact(SHIPPED)
    graph = Darkness(manifest, central=central)
    found = measure_pointing(images, graph, manifest, count=24)  # type: ignore[arg-type]
    assert {one.title.split(",")[0] for one in found} == {
        "Malignant and pre-malignant lesions",
        "All lesions that are not called low",
    }
    for one in found:
        assert one.crops == 48
        if central:
            assert one.gain.value == 0
        else:
            assert one.peak.value > 0.9
            assert one.gain.low is not None
            assert one.gain.low > 0.3
            assert one.inside.value > one.lesion_share


def test_boxes_come_from_the_manifest_above_the_picture(tmp_path: Path) -> None:
    rows = [{"file": "a/1.jpg", "bbox": "0.1 0.2 0.5 0.6"}, {"file": "a/2.jpg", "bbox": ""}]
    write_rows(tmp_path / "manifest.csv", rows)
    shown = [image("mel", path=tmp_path / str(row["file"]), population=Population.PHONE) for row in rows]
    assert read_boxes(shown) == {tmp_path / "a/1.jpg": (0.1, 0.2, 0.5, 0.6)}
