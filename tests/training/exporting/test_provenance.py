from pathlib import Path

import pytest

from training.exporting.calibration_inputs.calibration_data import read_calibration_data
from training.exporting.provenance import derive_licence, list_data_sources
from training.fitting.recipe import read_recipe


@pytest.mark.parametrize(("recipe", "is_commercial"), [("lite0", False), ("lite0_without_ham10000", True)])
def test_only_sources_of_the_recipe_are_used_and_listed(
    data: Path, tmp_path: Path, recipe: str, *, is_commercial: bool
) -> None:
    calibration_data = read_calibration_data(data, tmp_path, read_recipe(recipe, {}))
    trained = [*calibration_data.training_images, *calibration_data.phone.images]
    names = " ".join(source.name for source in list_data_sources([*trained, *calibration_data.held_out.images], ()))
    assert ("HAM10000" in names) is not is_commercial
    assert ("non-commercial" in derive_licence(trained)) is not is_commercial
    assert "Not a medical device" in derive_licence(trained)
