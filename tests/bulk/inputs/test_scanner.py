"""Tests of `bulk.inputs.scanner`."""

import os
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bulk.inputs import formats
from bulk.inputs.input_image import InputImage
from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from bulk.inputs.scanner import Skipped, scan
from tests.bulk.conftest import DropPrivileges
from tests.hypothesis_profiles import examples

T = TypeVar("T")
FILE_NAMES = st.binary(min_size=1, max_size=60).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)


def scanned_names(folder: Path, *, recursive: bool = False, exclude: Path | None = None) -> set[str]:
    return {image.name for image in scan(folder, recursive=recursive, exclude=exclude, skipped=Skipped())}


def assert_folder_unreadable(image: InputImage) -> None:
    with pytest.raises(FileNotReadable) as caught:
        image.load()
    assert caught.value.problem is ReadProblem.FOLDER_UNREADABLE


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "a.JPG", "b.jpeg", "c.HEIC", "d.tiff", "e.gif", "f.cr2", "noextension", "a b.png", "=1+1.jpg", "dot."],
)
def test_yields_images_and_names_without_extension(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert scanned_names(tmp_path) == {name}


@pytest.mark.parametrize("name", ["notes.txt", "table.csv", "report.pdf", "a.jpg.part", ".hidden.jpg", ".DS_Store"])
def test_skips_other_and_hidden_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    skipped = Skipped()
    assert list(scan(tmp_path, recursive=False, skipped=skipped)) == []
    assert skipped.hidden + skipped.other_files.total() == 1


@given(name=FILE_NAMES, extension=st.sampled_from([b"", b".jpg", b".TXT", b".Png", b".csv"]))
@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_yields_any_file_name_that_the_disk_takes(tmp_path: Path, name: bytes, extension: bytes) -> None:
    file_name = name + extension
    path = os.fsencode(tmp_path) + b"/" + file_name
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    try:
        image_name = next(iter(scanned_names(tmp_path)), None)
    finally:
        Path(os.fsdecode(path)).unlink()
    if extension in (b".jpg", b".Png") and not file_name.startswith(b"."):
        assert image_name is not None
        assert os.fsencode(image_name) == file_name
    if extension in (b".TXT", b".csv") or file_name.startswith(b"."):
        assert image_name is None


def test_enters_sub_folders_only_if_recursive(tmp_path: Path) -> None:
    (tmp_path / "sub" / "deeper").mkdir(parents=True)
    for name in ("a.jpg", "sub/b.jpg", "sub/deeper/c.jpg"):
        (tmp_path / name).touch()
    assert scanned_names(tmp_path) == {"a.jpg"}
    assert scanned_names(tmp_path, recursive=True) == {"a.jpg", "sub/b.jpg", "sub/deeper/c.jpg"}


def test_excludes_the_output_directory(tmp_path: Path) -> None:
    out = tmp_path / "results"
    out.mkdir()
    (out / "thumb.jpg").touch()
    (tmp_path / "a.jpg").touch()
    assert scanned_names(tmp_path, recursive=True, exclude=out) == {"a.jpg"}


def test_yields_linked_files_but_does_not_enter_linked_folders(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "again.jpg").symlink_to(tmp_path / "a.jpg")
    assert scanned_names(tmp_path, recursive=True) == {"a.jpg", "again.jpg"}


def test_yields_a_folder_that_is_named_like_an_image(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").mkdir()
    (tmp_path / "x.jpg" / "in.png").touch()
    assert scanned_names(tmp_path) == {"x.jpg"}
    assert scanned_names(tmp_path, recursive=True) == {"x.jpg/in.png"}


def test_yields_a_folder_that_is_too_deep_to_enter(tmp_path: Path) -> None:
    deepest = tmp_path
    for _ in range(110):
        deepest /= "d"
    deepest.mkdir(parents=True)
    (image,) = scan(tmp_path, recursive=True, skipped=Skipped())
    assert_folder_unreadable(image)


def test_yields_a_folder_that_cannot_be_listed(open_folder: Path, drop_privileges: DropPrivileges) -> None:
    (open_folder / "closed").mkdir(mode=0)
    with drop_privileges():
        (image,) = scan(open_folder, recursive=True, skipped=Skipped())
    assert image.name == "closed"
    assert_folder_unreadable(image)


@pytest.mark.parametrize(
    "name",
    [
        *("ISIC_0000000_superpixels.png", "ISIC_0000000_segmentation.png", "ISIC_0000000_Segmentation.PNG"),
        *("ISIC_0000001_attribute_pigment_network.png", "mask/ISIC_0000002_mask.bmp", "x_segmentation_lesion.tif"),
    ],
)
def test_passes_over_masks_and_counts_them(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    (tmp_path / "ISIC_0000000.jpg").touch()
    skipped = Skipped()
    assert [image.name for image in scan(tmp_path, recursive=True, skipped=skipped)] == ["ISIC_0000000.jpg"]
    assert skipped.companions == 1
    assert not skipped.other_files


def test_an_output_in_the_folder_itself_is_no_input(tmp_path: Path) -> None:
    own = frozenset({"results.csv", "report.html", "report-images"})
    (tmp_path / "report-images").mkdir()
    (tmp_path / "report-images" / "thumb.jpg").touch()
    for name in ("results.csv", "report.html", "a.jpg"):
        (tmp_path / name).touch()
    skipped = Skipped()
    names = [image.name for image in scan(tmp_path, recursive=True, exclude=tmp_path, own_files=own, skipped=skipped)]
    assert names == ["a.jpg"]
    assert not skipped.other_files
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "results.csv").touch()  # somebody else's
    list(scan(tmp_path, recursive=True, exclude=tmp_path, own_files=own, skipped=skipped))
    assert skipped.other_files == {".csv": 1}


def test_an_output_below_the_folder_is_not_counted_as_a_sub_folder(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    skipped = Skipped()
    assert not list(scan(tmp_path, recursive=False, exclude=tmp_path / "results", skipped=skipped))
    assert skipped == Skipped()


@pytest.mark.parametrize(
    "error", [ValueError("Jane Doe"), MemoryError(), RecursionError(), OSError(5, "io"), KeyError(1)]
)
@pytest.mark.parametrize("method", ["list_images", "read_image"])
def test_a_format_that_raises_anything_fails_its_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, method: str
) -> None:
    class Broken:
        extensions = frozenset({".odd"})

        def list_images(self, _: Path) -> list[str]:
            return self._use("list_images", ["image"])

        def read_image(self, *_: object) -> bytes:
            return self._use("read_image", b"image")

        def _use(self, name: str, value: T) -> T:
            if name == method:
                raise error
            return value

    monkeypatch.setattr(formats, "INPUT_FORMATS", (*formats.INPUT_FORMATS, Broken()))
    (tmp_path / "a.odd").touch()
    (image,) = scan(tmp_path, recursive=False, skipped=Skipped())
    with capture_logs() as logs, pytest.raises(FileNotReadable) as caught:
        image.load()
    assert caught.value.problem is ReadProblem.FORMAT_FAILED
    assert "Jane" not in str(logs)
