"""Which files are candidates."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulk.inputs.scanner import Skipped, scan
from tests.bulk.conftest import AsAnyone

FILE_NAMES = st.binary(min_size=1, max_size=60).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)


def found(folder: Path, *, recursive: bool = False, leave_out: Path | None = None) -> set[str]:
    return {c.name for c in scan(folder, recursive=recursive, leave_out=leave_out, skipped=Skipped())}


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "a.JPG", "b.jpeg", "c.HEIC", "d.tiff", "e.gif", "f.cr2", "noextension", "a b.png", "=1+1.jpg", "dot."],
)
def test_pictures_and_names_without_extension_are_candidates(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert found(tmp_path) == {name}


@pytest.mark.parametrize("name", ["notes.txt", "table.csv", "report.pdf", "a.jpg.part", ".hidden.jpg", ".DS_Store"])
def test_other_and_hidden_files_are_not(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    skipped = Skipped()
    assert list(scan(tmp_path, recursive=False, skipped=skipped)) == []
    assert skipped.hidden + skipped.others.total() == 1


@given(name=FILE_NAMES, extension=st.sampled_from([b"", b".jpg", b".TXT", b".Png", b".csv"]))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_name_that_the_disk_takes(tmp_path: Path, name: bytes, extension: bytes) -> None:
    whole = name + extension
    path = os.fsencode(tmp_path) + b"/" + whole
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    try:
        candidate = next(iter(found(tmp_path)), None)
    finally:
        Path(os.fsdecode(path)).unlink()
    if extension in (b".jpg", b".Png") and not whole.startswith(b"."):
        assert candidate is not None
        assert os.fsencode(candidate) == whole
    if extension in (b".TXT", b".csv") or whole.startswith(b"."):
        assert candidate is None


def test_sub_folders_only_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "sub" / "deeper").mkdir(parents=True)
    for name in ("a.jpg", "sub/b.jpg", "sub/deeper/c.jpg"):
        (tmp_path / name).touch()
    assert found(tmp_path) == {"a.jpg"}
    assert found(tmp_path, recursive=True) == {"a.jpg", "sub/b.jpg", "sub/deeper/c.jpg"}


def test_the_output_directory_is_left_out(tmp_path: Path) -> None:
    out = tmp_path / "results"
    out.mkdir()
    (out / "thumb.jpg").touch()
    (tmp_path / "a.jpg").touch()
    assert found(tmp_path, recursive=True, leave_out=out) == {"a.jpg"}


def test_linked_folders_are_not_entered_and_linked_files_are_candidates(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "again.jpg").symlink_to(tmp_path / "a.jpg")
    assert found(tmp_path, recursive=True) == {"a.jpg", "again.jpg"}


def test_a_folder_that_is_named_like_a_picture_gets_a_row(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").mkdir()
    (tmp_path / "x.jpg" / "in.png").touch()
    assert found(tmp_path) == {"x.jpg"}
    assert found(tmp_path, recursive=True) == {"x.jpg/in.png"}


def test_folders_too_deep_to_enter_are_told(tmp_path: Path) -> None:
    deepest = tmp_path
    for _ in range(110):
        deepest /= "d"
    deepest.mkdir(parents=True)
    (candidate,) = scan(tmp_path, recursive=True, skipped=Skipped())
    assert candidate.unlisted


def test_a_folder_that_cannot_be_listed_is_told(open_folder: Path, as_anyone: AsAnyone) -> None:
    (open_folder / "closed").mkdir(mode=0)
    with as_anyone():
        (candidate,) = scan(open_folder, recursive=True, skipped=Skipped())
    assert candidate.name == "closed"
    assert candidate.unlisted
