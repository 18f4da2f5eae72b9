import numpy as np
import pytest

from shared.model.artefact import Manifest, read_artefact
from tests.training.evaluation.conftest import SHIPPED
from tests.training.evaluation.factories import make_image, make_scored_set
from training.data.records.labelled_image import LabelledImage
from training.evaluation.measures.subgroups import measure_subgroups


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_artefact(SHIPPED)


def make_pair(number: int, **fields: object) -> list[LabelledImage]:
    """A melanoma and a mole."""
    return [make_image("mel", f"{number}m", **fields), make_image("nv", f"{number}n", **fields)]


def test_subgroup_with_a_low_auc_is_found(manifest: Manifest) -> None:
    """The probabilities separate all unmarked lesions, and none of those marked by pen."""
    unmarked = [image for number in range(15) for image in make_pair(number, pen=0.0)]
    marked = [image for number in range(15, 30) for image in make_pair(number, pen=0.02)]
    probabilities = np.concatenate([np.tile([0.9, 0.1], 15), np.full(30, 0.5)])
    scored_set = make_scored_set(unmarked + marked, probabilities, manifest)
    results = {result.value: result for result in measure_subgroups(scored_set, manifest) if result.by == "pen"}
    assert results["not marked"].tasks["counted"]["auc"].value == 1
    assert results["marked by pen"].tasks["counted"]["auc"].value == 0.5
    assert {result.pictures for result in results.values()} == {30}


def test_subgroup_with_few_images_is_counted_and_not_measured(manifest: Manifest) -> None:
    light = [image for number in range(12) for image in make_pair(number, skin_type=2)]
    dark = [image for number in range(12, 14) for image in make_pair(number, skin_type=5)]
    scored_set = make_scored_set(light + dark, np.tile([0.8, 0.3], 14), manifest)
    results = {result.value: result for result in measure_subgroups(scored_set, manifest) if result.by == "skin type"}
    assert results["I-II"].tasks["counted"]["auc"].low is not None
    assert (results["V-VI"].pictures, results["V-VI"].tasks) == (4, {})


def test_ages_are_in_order_and_the_unknown_is_last(manifest: Manifest) -> None:
    images = [make_image("nv", str(age), age=age) for age in (80, None, 30, 62, 45)]
    scored_set = make_scored_set([*images, make_image("mel", "m", age=30)], np.full(6, 0.2), manifest)
    values = [result.value for result in measure_subgroups(scored_set, manifest) if result.by == "age"]
    assert values == ["under 40", "40 to 59", "60 to 74", "75 and over", "not told"]
