"""The evidence map has the right cells and is drawn where the evidence is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from shared.contract.decision import EvidenceMap
from shared.images.evidence_map import draw_evidence, to_evidence_map


def test_cells_are_shares_of_the_largest_absolute_value() -> None:
    evidence = to_evidence_map(np.array([[1.0, -4.0, 0.0], [2.0, 0.01, 4.0]], np.float32))
    assert evidence == EvidenceMap(rows=2, columns=3, cells=(32, -127, 0, 64, 0, 127))


@pytest.mark.parametrize(
    ("value", "cell"), [(np.nan, 0), (np.inf, 0), (-np.inf, 0), (1e-42, 127), (3e38, 127), (0.0, 0)]
)
def test_values_that_are_not_finite_count_as_zero(value: float, cell: int) -> None:
    values = np.zeros((2, 2), np.float32)
    values[1, 0] = value
    assert to_evidence_map(values).cells == (0, 0, cell, 0)


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(width=32)))
def test_any_values_give_a_map(values: np.ndarray) -> None:
    evidence = to_evidence_map(values)
    assert len(evidence.cells) == evidence.rows * evidence.columns == values.size


def map_with_one_cell(row: int, column: int, value: int = 127) -> EvidenceMap:
    cells = np.zeros((7, 7), int)
    cells[row, column] = value
    return EvidenceMap(rows=7, columns=7, cells=tuple(cells.ravel().tolist()))


def changed(evidence: EvidenceMap, size: tuple[int, int] = (210, 140)) -> np.ndarray:
    image = Image.new("RGB", size, (180, 130, 110))
    before = np.asarray(image).copy()
    after = draw_evidence(image, evidence)
    assert after.mode == "RGB"
    assert after.size == size
    assert np.array_equal(np.asarray(image), before)
    difference: np.ndarray = np.abs(np.asarray(after).astype(int) - before).sum(axis=2)
    return difference


def test_the_drawing_is_where_the_evidence_is() -> None:
    rows, columns = np.nonzero(changed(map_with_one_cell(row=1, column=5)))
    assert abs(rows.mean() - 1.5 * 20) < 4
    assert abs(columns.mean() - 5.5 * 30) < 6


def test_nothing_is_drawn_without_evidence_for_malignancy() -> None:
    assert not changed(map_with_one_cell(3, 3, value=0)).any()
    assert not changed(map_with_one_cell(3, 3, value=-127)).any()
    assert not changed(map_with_one_cell(3, 3, value=20)).any()


def test_the_image_stays_recognisable() -> None:
    everywhere = EvidenceMap(rows=2, columns=2, cells=(127,) * 4)
    rng = np.random.default_rng(1)
    image = Image.fromarray(rng.integers(0, 256, (100, 100, 3), np.uint8))
    before, after = (np.asarray(each).astype(float).ravel() for each in (image, draw_evidence(image, everywhere)))
    assert np.corrcoef(before, after)[0, 1] > 0.8


def test_one_pixel_and_one_cell() -> None:
    assert draw_evidence(Image.new("RGB", (1, 1)), EvidenceMap(rows=1, columns=1, cells=(127,))).size == (1, 1)
