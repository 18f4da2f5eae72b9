"""Reading one file."""

import os
from pathlib import Path

import pytest

from bulk.inputs.reader import read_image
from bulk.rejections import FileNotReadable, ReadProblem
from shared.contract.decision import RefusalReason
from shared.images.limits import DECODE_LIMITS
from shared.images.refusal import ImageRejected
from tests.bulk.conftest import AsAnyone


def problem(path: Path) -> ReadProblem:
    with pytest.raises(FileNotReadable) as caught:
        read_image(path)
    return caught.value.problem


def refusal(path: Path) -> RefusalReason:
    with pytest.raises(ImageRejected) as caught:
        read_image(path)
    return caught.value.reason


def test_a_file_and_a_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"picture")
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    assert read_image(tmp_path / "a.jpg") == b"picture"
    assert read_image(tmp_path / "b.jpg") == b"picture"


@pytest.mark.timeout(10)
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.jpg")
    assert problem(tmp_path / "x.jpg") is ReadProblem.NOT_A_FILE


def test_a_device_is_not_opened() -> None:
    assert problem(Path("/dev/zero")) is ReadProblem.NOT_A_FILE


def test_a_folder(tmp_path: Path) -> None:
    assert problem(tmp_path) is ReadProblem.NOT_A_FILE


def test_links_that_lead_nowhere_or_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "dangling.jpg").symlink_to("nothing.jpg")
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    assert problem(tmp_path / "dangling.jpg") is ReadProblem.BROKEN_LINK
    assert problem(tmp_path / "circle.jpg") is ReadProblem.BROKEN_LINK


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    assert problem(tmp_path / "gone.jpg") is ReadProblem.VANISHED


def test_a_file_that_may_not_be_read(open_folder: Path, as_anyone: AsAnyone) -> None:
    (open_folder / "x.jpg").write_bytes(b"picture")
    (open_folder / "x.jpg").chmod(0)
    with as_anyone():
        assert problem(open_folder / "x.jpg") is ReadProblem.NO_PERMISSION


def test_empty_and_too_large(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(DECODE_LIMITS.max_bytes + 1)
    assert refusal(tmp_path / "empty.jpg") is RefusalReason.EMPTY
    assert refusal(tmp_path / "large.jpg") is RefusalReason.TOO_MANY_BYTES
