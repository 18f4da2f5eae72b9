"""An artefact says what it was made from, and nothing else."""

from pathlib import Path

import pytest

from training.exporting.calibration_inputs.calibration_data import read_calibration_data
from training.exporting.provenance import derive_licence, list_data_sources
from training.fitting.recipe import read_recipe


@pytest.mark.parametrize(("recipe", "commercial"), [("lite0", False), ("lite0_without_ham10000", True)])
def test_only_what_the_recipe_names_is_used_and_stated(
    data: Path, tmp_path: Path, recipe: str, *, commercial: bool
) -> None:
    calibration_data = read_calibration_data(data, tmp_path, read_recipe(recipe, {}))
    learned = [*calibration_data.training_images, *calibration_data.phone.images]
    names = " ".join(source.name for source in list_data_sources([*learned, *calibration_data.held_out.images], ()))
    assert ("HAM10000" in names) is not commercial
    assert ("non-commercial" in derive_licence(learned)) is not commercial
    assert "Not a medical device" in derive_licence(learned)
