"""An artefact says what it was made from, and nothing else."""

from pathlib import Path

import pytest

from training.exporting.calibration_inputs.calibration_data import read_material
from training.exporting.provenance import licence, sources
from training.fitting.recipe import read_recipe


@pytest.mark.parametrize(("recipe", "commercial"), [("lite0", False), ("lite0_without_ham10000", True)])
def test_only_what_the_recipe_names_is_used_and_stated(
    data: Path, tmp_path: Path, recipe: str, *, commercial: bool
) -> None:
    material = read_material(data, tmp_path, read_recipe(recipe, {}))
    learned = [*material.trained, *material.phone.pictures]
    names = " ".join(source.name for source in sources([*learned, *material.held.pictures], ()))
    assert ("HAM10000" in names) is not commercial
    assert ("non-commercial" in licence(learned)) is not commercial
    assert "Not a medical device" in licence(learned)
