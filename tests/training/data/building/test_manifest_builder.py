"""Builds of the manifest from synthetic data sets with planted duplicates."""

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
    """A copy of the synthetic data that the test may change."""
    return Path(shutil.copytree(data, tmp_path / "data"))


def build(data: Path, out: Path) -> BuildReport:
    return build_manifest(data, out, lambda *_: None)


def squash(image: Image.Image) -> Image.Image:
    return image.resize((80, 80))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "unchanged": lambda image: image,
    "squashed": squash,
    "turned": lambda image: image.rotate(90, expand=True),
    "mirrored": ImageOps.mirror,
    "upside down and squashed": lambda image: squash(ImageOps.flip(image)),
}


@pytest.mark.parametrize("change", COPIES)
def test_build_drops_a_training_copy_of_a_test_image(own_data: Path, tmp_path: Path, change: str) -> None:
    """However the copy was changed, and whatever its name; the test image is kept."""
    tested = next(image.path for image in read_labelled_images(own_data) if image.split is Split.TEST)
    planted = COPIES[change](Image.open(tested))
    copy = add_isic2017(own_data, "train", "benign", "nevus", "ISIC_0099999.jpg", planted)
    report = build(own_data, tmp_path)
    assert [(Path(entry.file).name, Path(entry.kept).name) for entry in report.dropped] == [(copy.name, tested.name)]
    paths = {image.path.name: image.split for image in read_labelled_images(tmp_path)}
    assert copy.name not in paths
    assert paths[tested.name] is Split.TEST
    # Nothing else counts as a copy.
    assert len(paths) == len(read_labelled_images(own_data)) - 1


def test_build_drops_a_lesion_with_a_copy_of_one_image_in_the_test_set(own_data: Path, tmp_path: Path) -> None:
    """HAM10000 has three images of a lesion; one of them is in the test set of ISIC 2017, too."""
    table = own_data / "ham10000" / "manifest.csv"
    rows = list(csv.DictReader(table.read_text().splitlines()))
    trained = [image for image in read_labelled_images(own_data) if image.source == "ham10000"]
    trained = [image for image in trained if image.split is Split.TRAIN][:3]
    for row in rows:
        if row["lesion_id"] in {image.group for image in trained}:
            row["lesion_id"] = trained[0].group
    write_rows(table, rows)
    add_isic2017(own_data, "test", "benign", "nevus", "ISIC_0099999.jpg", Image.open(trained[1].path))
    dropped = {Path(entry.file).name: entry.reason for entry in build(own_data, tmp_path).dropped}
    assert set(dropped) == {image.path.name for image in trained}
    assert "copy of one in test" in dropped[trained[1].path.name]
    assert dropped[trained[0].path.name] == "same lesion or patient as one in test"


def test_build_keeps_the_larger_of_two_copies_and_reports_conflicting_labels(own_data: Path, tmp_path: Path) -> None:
    first = next(image for image in read_labelled_images(own_data) if image.diagnosis == "melanoma")
    larger = Image.open(first.path).resize((192, 144))
    add_isic2017(own_data, "train", "benign", "nevus", "ISIC_0099999.jpg", larger)
    (entry,) = build(own_data, tmp_path).dropped
    assert Path(entry.kept).name == "ISIC_0099999.jpg"
    assert (entry.label, entry.kept_label, entry.has_conflicting_labels) == ("mel", "nv", True)


def test_build_keeps_a_patient_with_two_names_in_one_fold(own_data: Path, tmp_path: Path) -> None:
    lesions = [image for image in read_labelled_images(own_data) if image.fold is not None]
    first, other = lesions[0], next(image for image in lesions if image.fold != lesions[0].fold)
    shutil.copy(first.path, other.path)
    build(own_data, tmp_path)
    folds = {image.path.name: image.fold for image in read_labelled_images(tmp_path) if image.fold is not None}
    assert folds[first.path.name] == first.fold
    assert other.path.name not in folds


def test_manifest_holds_the_records_of_the_folders(own_data: Path, tmp_path: Path) -> None:
    """Also from another folder, and when read by its own path."""
    assert build(own_data, tmp_path / "out").dropped == []
    assert read_labelled_images(tmp_path / "out" / "manifest.csv") == read_labelled_images(own_data)
    assert read_phone_images(tmp_path / "out") == read_phone_images(own_data)


def test_manifest_moves_with_its_images(own_data: Path, tmp_path: Path) -> None:
    build(own_data, own_data)
    moved = own_data.rename(tmp_path / "moved")
    assert all(image.path.is_relative_to(moved) for image in read_labelled_images(moved))


def test_reading_refuses_a_manifest_with_a_leaked_group(own_data: Path, tmp_path: Path) -> None:
    """The lesion of a test image was given to a training image by hand."""
    build(own_data, tmp_path)
    table = tmp_path / "manifest.csv"
    images = read_labelled_images(tmp_path)
    tested = next(image.group for image in images if image.split is Split.TEST)
    trained = next(image.group for image in images if image.split is Split.TRAIN)
    table.write_text(table.read_text().replace(f",{trained},", f",{tested},"))
    with pytest.raises(TrainingError, match=f"group '{tested}' are on two sides of a split, test and train"):
        read_labelled_images(tmp_path)


def test_build_moves_a_patient_of_two_folds_into_one(own_data: Path, tmp_path: Path) -> None:
    table = own_data / "phone" / "manifest.csv"
    lesions = [image for image in read_labelled_images(own_data) if image.fold is not None]
    other = next(image for image in lesions if image.fold != lesions[0].fold)
    table.write_text(table.read_text().replace(f",{other.group},", f",{lesions[0].group},"))
    build(own_data, tmp_path)
    both = [image for image in read_labelled_images(tmp_path) if image.group == lesions[0].group]
    assert len(both) == 2
    assert both[0].fold == both[1].fold


def test_build_reads_only_changed_images_again(own_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(own_data, tmp_path)
    changed = next(own_data.rglob("*.jpg"))
    shutil.copy(next(reversed(list(own_data.rglob("*.jpg")))), changed)
    opened: list[Path] = []
    original = Path.read_bytes

    def recorded(path: Path) -> bytes:
        opened.append(path)
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", recorded)
    build(own_data, tmp_path)
    assert opened == [changed]


def test_build_command_prints_the_report_and_errors(own_data: Path, tmp_path: Path) -> None:
    tested = next(image.path for image in read_labelled_images(own_data) if image.split is Split.TEST)
    add_isic2017(own_data, "train", "benign", "nevus", "ISIC_0099999.jpg", squash(Image.open(tested)))
    result = CliRunner().invoke(cli, ["build", str(own_data), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "1 scaled or encoded copy of one in test" in result.output
    assert BuildReport.model_validate_json((tmp_path / "out" / "report.json").read_text()).kept > 60
    broken = next(own_data.rglob("*.jpg"))
    broken.write_bytes(broken.read_bytes()[:200])
    failed = CliRunner().invoke(cli, ["build", str(own_data), "--out", str(tmp_path / "out")])
    assert failed.exit_code == 1
    assert f"{broken.name} cannot be read (it is no complete picture)" in failed.output.replace("\n", "")


def make_lesion_texture(seed: int) -> Image.Image:
    """An image of 256x256 with a texture of its own, by which a lesion can be recognised."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(60, 220, (40, 40, 3), dtype=np.uint8))
    return coarse.resize((256, 256), Image.Resampling.BICUBIC)


def test_build_drops_another_photograph_of_a_test_lesion(own_data: Path, tmp_path: Path) -> None:
    """Nearer, turned, darker and under another name: no copy, but the same lesion."""
    first = make_lesion_texture(1)
    again = ImageEnhance.Brightness(first.rotate(12).crop((45, 45, 215, 205)).resize((256, 256))).enhance(0.8)
    tested = add_isic2017(own_data, "test", "benign", "nevus", "ISIC_0099998.jpg", first)
    other = add_isic2017(own_data, "train", "benign", "nevus", "ISIC_0099999.jpg", again)
    unrelated = add_isic2017(own_data, "train", "benign", "nevus", "ISIC_0099997.jpg", make_lesion_texture(2))
    (entry,) = build(own_data, tmp_path).dropped
    assert (Path(entry.file).name, Path(entry.kept).name) == (other.name, tested.name)
    assert entry.reason == "another photograph of the lesion of one in test"
    assert unrelated.name in {image.path.name for image in read_labelled_images(tmp_path)}


def test_build_groups_two_training_photographs_of_one_lesion(own_data: Path, tmp_path: Path) -> None:
    first = make_lesion_texture(1)
    names = ["ISIC_0099998.jpg", "ISIC_0099999.jpg"]
    for name, image in zip(names, (first, first.rotate(12).crop((45, 45, 215, 205))), strict=True):
        add_isic2017(own_data, "train", "benign", "nevus", name, image)
    assert build(own_data, tmp_path).dropped == []
    assert len({image.group for image in read_labelled_images(tmp_path) if image.path.name in names}) == 1
