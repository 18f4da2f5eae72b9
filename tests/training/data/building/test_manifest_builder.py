"""Someone builds the manifest of made data sets in which pictures are there twice."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageEnhance, ImageOps

from tests.training.synthetic_data import add_isic2017, write_rows
from training.data.building.manifest_builder import build_manifest
from training.data.building.report import BuildReport
from training.data.cli import cli
from training.data.records.labelled_image import Split
from training.data.sources import read_labelled_images, read_phone_images
from training.errors import TrainingError


@pytest.fixture
def own_data(tmp_path: Path, data: Path) -> Path:
    """Made data of the test's own."""
    return Path(shutil.copytree(data, tmp_path / "data"))


def build(data: Path, out: Path) -> BuildReport:
    return build_manifest(data, out, lambda *_: None)


def squash(image: Image.Image) -> Image.Image:
    return image.resize((80, 80))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda image: image,
    "squashed": squash,
    "turned": lambda image: image.rotate(90, expand=True),
    "mirrored": ImageOps.mirror,
    "upside down and squashed": lambda image: squash(ImageOps.flip(image)),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_of_a_test_picture_is_not_trained_on(own_data: Path, tmp_path: Path, how: str) -> None:
    """Whatever was done to it, and under whatever name; the test's own stays."""
    tested = next(image.path for image in read_labelled_images(own_data) if image.split is Split.TEST)
    planted = COPIES[how](Image.open(tested))
    copy = add_isic2017(own_data, "train", "benign", "nevus", "ISIC_0099999.jpg", planted)
    report = build(own_data, tmp_path)
    assert [(Path(loss.file).name, Path(loss.kept).name) for loss in report.dropped] == [(copy.name, tested.name)]
    paths = {image.path.name: image.split for image in read_labelled_images(tmp_path)}
    assert copy.name not in paths
    assert paths[tested.name] is Split.TEST
    # Nothing else was taken for a copy.
    assert len(paths) == len(read_labelled_images(own_data)) - 1


def test_a_copy_under_another_lesions_name_takes_that_lesion_along(own_data: Path, tmp_path: Path) -> None:
    """HAM10000 has three pictures of a lesion; one of them is in ISIC 2017's test, too."""
    table = own_data / "ham10000" / "manifest.csv"
    rows = list(csv.DictReader(table.read_text().splitlines()))
    trained = [image for image in read_labelled_images(own_data) if image.source == "ham10000"]
    trained = [image for image in trained if image.split is Split.TRAIN][:3]
    for row in rows:
        if row["lesion_id"] in {image.group for image in trained}:
            row["lesion_id"] = trained[0].group
    write_rows(table, rows)
    add_isic2017(own_data, "test", "benign", "nevus", "ISIC_0099999.jpg", Image.open(trained[1].path))
    dropped = {Path(loss.file).name: loss.reason for loss in build(own_data, tmp_path).dropped}
    assert set(dropped) == {image.path.name for image in trained}
    assert "copy of one in test" in dropped[trained[1].path.name]
    assert dropped[trained[0].path.name] == "same lesion or patient as one in test"


def test_twice_in_training_is_once_too_often(own_data: Path, tmp_path: Path) -> None:
    """The larger stays, and labels that contradict each other are said."""
    first = next(image for image in read_labelled_images(own_data) if image.diagnosis == "melanoma")
    larger = Image.open(first.path).resize((192, 144))
    add_isic2017(own_data, "train", "benign", "nevus", "ISIC_0099999.jpg", larger)
    (loss,) = build(own_data, tmp_path).dropped
    assert Path(loss.kept).name == "ISIC_0099999.jpg"
    assert (loss.label, loss.kept_label, loss.has_conflicting_labels) == ("mel", "nv", True)


def test_a_patient_under_two_names_is_in_one_fold(own_data: Path, tmp_path: Path) -> None:
    lesions = [image for image in read_labelled_images(own_data) if image.fold is not None]
    first, other = lesions[0], next(one for one in lesions if one.fold != lesions[0].fold)
    shutil.copy(first.path, other.path)
    build(own_data, tmp_path)
    folds = {image.path.name: image.fold for image in read_labelled_images(tmp_path) if image.fold is not None}
    assert folds[first.path.name] == first.fold
    assert other.path.name not in folds


def test_the_manifest_says_what_the_folders_say(own_data: Path, tmp_path: Path) -> None:
    """Also when it lies elsewhere, and is named itself."""
    assert build(own_data, tmp_path / "out").dropped == []
    assert read_labelled_images(tmp_path / "out" / "manifest.csv") == read_labelled_images(own_data)
    assert read_phone_images(tmp_path / "out") == read_phone_images(own_data)


def test_a_manifest_moves_with_its_pictures(own_data: Path, tmp_path: Path) -> None:
    build(own_data, own_data)
    moved = own_data.rename(tmp_path / "moved")
    assert all(image.path.is_relative_to(moved) for image in read_labelled_images(moved))


def test_a_leaked_group_fails(own_data: Path, tmp_path: Path) -> None:
    """Someone gave a test picture's lesion to a picture to train on, by hand."""
    build(own_data, tmp_path)
    table = tmp_path / "manifest.csv"
    images = read_labelled_images(tmp_path)
    tested = next(image.group for image in images if image.split is Split.TEST)
    trained = next(image.group for image in images if image.split is Split.TRAIN)
    table.write_text(table.read_text().replace(f",{trained},", f",{tested},"))
    with pytest.raises(TrainingError, match=f"group '{tested}' are on two sides of a split, test and train"):
        read_labelled_images(tmp_path)


def test_folders_whose_groups_leak_are_not_built(own_data: Path, tmp_path: Path) -> None:
    """A patient in two folds of the source is moved into one, not passed on."""
    table = own_data / "phone" / "manifest.csv"
    lesions = [image for image in read_labelled_images(own_data) if image.fold is not None]
    other = next(one for one in lesions if one.fold != lesions[0].fold)
    table.write_text(table.read_text().replace(f",{other.group},", f",{lesions[0].group},"))
    build(own_data, tmp_path)
    both = [image for image in read_labelled_images(tmp_path) if image.group == lesions[0].group]
    assert len(both) == 2
    assert both[0].fold == both[1].fold


def test_only_what_changed_is_read_again(own_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(own_data, tmp_path)
    changed = next(own_data.rglob("*.jpg"))
    shutil.copy(next(reversed(list(own_data.rglob("*.jpg")))), changed)
    opened: list[Path] = []
    original = Path.read_bytes

    def noted(path: Path) -> bytes:
        opened.append(path)
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    build(own_data, tmp_path)
    assert opened == [changed]


def test_the_command_says_what_it_did_and_what_is_wrong(own_data: Path, tmp_path: Path) -> None:
    tested = next(image.path for image in read_labelled_images(own_data) if image.split is Split.TEST)
    add_isic2017(own_data, "train", "benign", "nevus", "ISIC_0099999.jpg", squash(Image.open(tested)))
    done = CliRunner().invoke(cli, ["build", str(own_data), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "1 scaled or encoded copy of one in test" in done.output
    assert BuildReport.model_validate_json((tmp_path / "out" / "report.json").read_text()).kept > 60
    broken = next(own_data.rglob("*.jpg"))
    broken.write_bytes(broken.read_bytes()[:200])
    failed = CliRunner().invoke(cli, ["build", str(own_data), "--out", str(tmp_path / "out")])
    assert failed.exit_code == 1
    assert f"{broken.name} cannot be read (it is no whole picture)" in failed.output.replace("\n", "")


def make_lesion_texture(seed: int) -> Image.Image:
    """Skin with a net of its own, of 256x256: something to recognise a lesion by."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(60, 220, (40, 40, 3), dtype=np.uint8))
    return coarse.resize((256, 256), Image.Resampling.BICUBIC)


def test_another_photograph_of_a_test_lesion_is_not_trained_on(own_data: Path, tmp_path: Path) -> None:
    """Nearer, a little turned, darker, and under another number: no copy, and yet nothing to learn from."""
    first = make_lesion_texture(1)
    again = ImageEnhance.Brightness(first.rotate(12).crop((45, 45, 215, 205)).resize((256, 256))).enhance(0.8)
    tested = add_isic2017(own_data, "test", "benign", "nevus", "ISIC_0099998.jpg", first)
    other = add_isic2017(own_data, "train", "benign", "nevus", "ISIC_0099999.jpg", again)
    stranger = add_isic2017(own_data, "train", "benign", "nevus", "ISIC_0099997.jpg", make_lesion_texture(2))
    (loss,) = build(own_data, tmp_path).dropped
    assert (Path(loss.file).name, Path(loss.kept).name) == (other.name, tested.name)
    assert loss.reason == "another photograph of the lesion of one in test"
    assert stranger.name in {image.path.name for image in read_labelled_images(tmp_path)}


def test_two_photographs_of_a_lesion_to_train_on_stay_together(own_data: Path, tmp_path: Path) -> None:
    first = make_lesion_texture(1)
    names = ["ISIC_0099998.jpg", "ISIC_0099999.jpg"]
    for name, image in zip(names, (first, first.rotate(12).crop((45, 45, 215, 205))), strict=True):
        add_isic2017(own_data, "train", "benign", "nevus", name, image)
    assert build(own_data, tmp_path).dropped == []
    assert len({image.group for image in read_labelled_images(tmp_path) if image.path.name in names}) == 1
