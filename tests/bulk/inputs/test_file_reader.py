"""Tests of `bulk.inputs.file_reader`."""

import os
from pathlib import Path

import pytest

from bulk.inputs.file_reader import read_file
from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from shared.contract.decision import RefusalReason
from shared.images.limits import DECODE_LIMITS
from shared.images.refusal import ImageRejected
from tests.bulk.conftest import DropPrivileges


def problem(path: Path) -> ReadProblem:
    with pytest.raises(FileNotReadable) as caught:
        read_file(path)
    return caught.value.problem


def refusal(path: Path) -> RefusalReason:
    with pytest.raises(ImageRejected) as caught:
        read_file(path)
    return caught.value.reason


def test_reads_a_file_and_a_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"image")
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    assert read_file(tmp_path / "a.jpg") == b"image"
    assert read_file(tmp_path / "b.jpg") == b"image"


@pytest.mark.timeout(10)
def test_does_not_hang_on_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")
    assert problem(tmp_path / "x.jpg") is ReadProblem.NOT_A_FILE


def test_does_not_open_a_device() -> None:
    assert problem(Path("/dev/zero")) is ReadProblem.NOT_A_FILE


def test_does_not_read_a_folder(tmp_path: Path) -> None:
    assert problem(tmp_path) is ReadProblem.NOT_A_FILE


def test_reports_dangling_and_circular_links(tmp_path: Path) -> None:
    (tmp_path / "dangling.jpg").symlink_to("nothing.jpg")
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    assert problem(tmp_path / "dangling.jpg") is ReadProblem.BROKEN_LINK
    assert problem(tmp_path / "circle.jpg") is ReadProblem.BROKEN_LINK


def test_reports_a_missing_file(tmp_path: Path) -> None:
    assert problem(tmp_path / "missing.jpg") is ReadProblem.VANISHED


def test_reports_a_file_without_read_permission(open_folder: Path, drop_privileges: DropPrivileges) -> None:
    (open_folder / "x.jpg").write_bytes(b"image")
    (open_folder / "x.jpg").chmod(0)
    with drop_privileges():
        assert problem(open_folder / "x.jpg") is ReadProblem.NO_PERMISSION


def test_refuses_empty_and_too_large_files(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(DECODE_LIMITS.max_bytes + 1)
    assert refusal(tmp_path / "empty.jpg") is RefusalReason.EMPTY
    assert refusal(tmp_path / "large.jpg") is RefusalReason.TOO_MANY_BYTES
