"""Tests of `bulk.inputs.scanner`."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulk.inputs.input_image import InputImage
from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from bulk.inputs.scanner import Skipped, scan
from tests.bulk.conftest import DropPrivileges
from tests.hypothesis_profiles import examples

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
