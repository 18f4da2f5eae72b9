"""Whom does it serve less well? Where there are too few to tell, it says so."""

import numpy as np
import pytest

from shared.model.artefact import Manifest, read_artefact
from tests.training.evaluation.conftest import SHIPPED
from tests.training.evaluation.factories import image, scored_set
from training.data.records.labelled_image import LabelledImage
from training.evaluation.measures.subgroups import measure_subgroups


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_artefact(SHIPPED)


def pair(number: int, **more: object) -> list[LabelledImage]:
    return [image("mel", f"{number}m", **more), image("nv", f"{number}n", **more)]


def test_a_part_that_is_served_badly_is_seen(manifest: Manifest) -> None:
    """Of the unmarked all are told apart, of those marked by pen none."""
    plain = [one for number in range(15) for one in pair(number, pen=0.0)]
    marked = [one for number in range(15, 30) for one in pair(number, pen=0.02)]
    told = np.concatenate([np.tile([0.9, 0.1], 15), np.full(30, 0.5)])
    found = {
        part.value: part
        for part in measure_subgroups(scored_set(plain + marked, told, manifest), manifest)
        if part.by == "pen"
    }
    assert found["not marked"].tasks["counted"]["auc"].value == 1
    assert found["marked by pen"].tasks["counted"]["auc"].value == 0.5
    assert {part.pictures for part in found.values()} == {30}


def test_few_pictures_are_counted_and_not_measured(manifest: Manifest) -> None:
    light = [one for number in range(12) for one in pair(number, skin_type=2)]
    dark = [one for number in range(12, 14) for one in pair(number, skin_type=5)]
    made = scored_set(light + dark, np.tile([0.8, 0.3], 14), manifest)
    found = {part.value: part for part in measure_subgroups(made, manifest) if part.by == "skin type"}
    assert found["I-II"].tasks["counted"]["auc"].low is not None
    assert (found["V-VI"].pictures, found["V-VI"].tasks) == (4, {})


def test_ages_come_in_their_order_and_the_unknown_last(manifest: Manifest) -> None:
    ages = (80, None, 30, 62, 45)
    made = scored_set(
        [image("nv", str(age), age=age) for age in ages] + [image("mel", "m", age=30)], np.full(6, 0.2), manifest
    )
    parts = [part.value for part in measure_subgroups(made, manifest) if part.by == "age"]
    assert parts == ["under 40", "40 to 59", "60 to 74", "75 and over", "not told"]
