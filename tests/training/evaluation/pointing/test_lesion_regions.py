from pathlib import Path

import numpy as np
import pytest

from tests.training.evaluation.factories import make_image
from tests.training.evaluation.pointing.spots import draw_spot
from tests.training.synthetic_data import write_rows
from training.data.records.labelled_image import Population
from training.evaluation.pointing.lesion_regions import GRID, read_boxes, segment_lesion


def test_segmented_region_is_the_dark_spot() -> None:
    region = segment_lesion(draw_spot(70, 110))
    assert region is not None
    rows, columns = np.nonzero(region)
    assert (columns.mean() / GRID, rows.mean() / GRID) == pytest.approx((70 / 192, 110 / 192), abs=0.02)
    assert region.mean() == pytest.approx(np.pi * 22**2 / 192**2, rel=0.2)


def test_spot_at_the_border_is_no_lesion() -> None:
    """It may be a dark corner or a frame."""
    assert segment_lesion(draw_spot(0, 0, radius=60)) is None


def test_boxes_are_read_from_the_manifest_above_the_image(tmp_path: Path) -> None:
    rows = [{"file": "a/1.jpg", "bbox": "0.1 0.2 0.5 0.6"}, {"file": "a/2.jpg", "bbox": ""}]
    write_rows(tmp_path / "manifest.csv", rows)
    images = [make_image("mel", path=tmp_path / str(row["file"]), population=Population.PHONE) for row in rows]
    assert read_boxes(images) == {tmp_path / "a/1.jpg": (0.1, 0.2, 0.5, 0.6)}
