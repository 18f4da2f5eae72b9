import shutil
from pathlib import Path

import pytest

from training.data.sources import read_labelled_images
from training.errors import TrainingError
from training.fitting.inputs.export_needs import check_export_needs
from training.fitting.inputs.selection import is_in_recipe
from training.fitting.recipe import Recipe, read_recipe


def check(data: Path, recipe: Recipe) -> None:
    check_export_needs(data, [image for image in read_labelled_images(data) if is_in_recipe(image, recipe)], recipe)


def test_data_that_suffices_is_accepted(data: Path) -> None:
    check(data, read_recipe("lite0", {}))


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (("imagenet_sample", "sign_digits_hands", "pad_skin_patch"), "phone pictures of lesions in at least two folds"),
        (("pad_ufes_20",), "of this recipe: pictures of no lesion. Add"),
    ],
)
def test_missing_pictures_are_named_when_a_run_starts(
    data: Path, tmp_path: Path, sources: tuple[str, ...], message: str
) -> None:
    """Phone pictures of these sources alone."""
    shutil.copytree(data, tmp_path / "data")
    table = tmp_path / "data" / "phone" / "manifest.csv"
    header, *lines = table.read_text().splitlines()
    table.write_text("\n".join([header, *(line for line in lines if line.split(",")[1] in sources)]) + "\n")
    with pytest.raises(TrainingError, match=message):
        check(tmp_path / "data", read_recipe("lite0", {}))


def test_sources_chosen_by_diagnosis_do_not_calibrate(data: Path) -> None:
    recipe = read_recipe("lite0", {"sources": ("bcn", "pad_ufes_20")})
    with pytest.raises(TrainingError, match="validation pictures of malignant and of benign lesions"):
        check(data, recipe)


def test_recipe_that_cannot_be_exported_needs_nothing(data: Path) -> None:
    check(data, read_recipe("paper", {"sources": ("bcn",)}))
