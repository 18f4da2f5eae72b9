from pathlib import Path

import pytest

from training.exporting.calibration_inputs.calibration_data import read_calibration_data
from training.exporting.provenance import derive_licence, list_data_sources
from training.fitting.lineage import Lineage, Origin, SeenSource
from training.fitting.recipe import read_recipe


@pytest.mark.parametrize(("recipe", "is_commercial"), [("lite0", False), ("lite0_without_ham10000", True)])
def test_only_sources_of_the_recipe_are_used_and_listed(
    data: Path, tmp_path: Path, recipe: str, *, is_commercial: bool
) -> None:
    calibration_data = read_calibration_data(data, tmp_path, read_recipe(recipe, {}))
    trained = [*calibration_data.training_images, *calibration_data.phone.images]
    lineage = Lineage.from_images(trained)
    listed = list_data_sources(lineage, [*trained, *calibration_data.held_out.images], ())
    assert ("HAM10000" in " ".join(source.name for source in listed)) is not is_commercial
    assert ("non-commercial" in derive_licence(lineage)) is not is_commercial
    assert "Not a medical device" in derive_licence(lineage)


def test_licence_and_data_of_an_ancestor_are_inherited() -> None:
    """A run without HAM10000 that started from a model that had seen it."""
    parent = Lineage(seen=(SeenSource(source="ham10000", licence="CC BY-NC 4.0", folds=(-1,), pictures=7),))
    origin = Origin(role="initial model", name="parent", sha256="0")
    lineage = Lineage().with_ancestor(parent, origin)
    assert "HAM10000" in derive_licence(lineage)
    assert "CC BY-NC 4.0" in [source.licence for source in list_data_sources(lineage, (), ())]
