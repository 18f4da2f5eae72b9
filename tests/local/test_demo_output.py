"""The demo removes the results of an earlier demo and nothing else."""

import subprocess
from pathlib import Path

import pytest

from local.demo_output import MARKER, OutputError, check_output, clear_output
from local.worker_processes import command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder with one image, and a results file of that user's own beside it."""
    folder = tmp_path / "clinic" / "images"
    folder.mkdir(parents=True)
    (folder / "mole.jpg").write_bytes(b"image")
    (folder / "results.csv").write_text("mine")
    return folder


def _files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("out", [".", "..", "../..", "../images"])
def test_output_that_is_or_contains_the_input_is_refused(folder: Path, out: str) -> None:
    before = _files(folder)
    with pytest.raises(OutputError, match="contains, the folder to classify"):
        clear_output(folder / out, folder)
    assert _files(folder) == before


def test_link_to_the_input_is_refused(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    with pytest.raises(OutputError, match="contains, the folder to classify"):
        clear_output(link, folder)
    assert (folder / "mole.jpg").exists()


def test_directory_that_no_demo_wrote_is_refused(folder: Path) -> None:
    before = _files(folder)
    with pytest.raises(OutputError, match="files that no demo wrote"):
        clear_output(folder, None)
    assert _files(folder) == before


def test_results_of_a_real_run_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "images-results"
    out.mkdir()
    (out / "run.json").write_text("{}")
    (out / "results.jsonl").write_text("{}")
    with pytest.raises(OutputError, match="files that no demo wrote"):
        clear_output(out, None)
    assert (out / "results.jsonl").exists()


def test_file_or_broken_link_as_output_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link", "file/below"):
        with pytest.raises(OutputError, match=r"--out"):
            clear_output(tmp_path / name, None)
    assert (tmp_path / "file").read_text() == "mine"


def test_earlier_results_are_replaced_and_other_files_stay(tmp_path: Path, folder: Path) -> None:
    out = tmp_path / "demo-out"
    clear_output(out, folder)
    for name in ("run.json", "results.jsonl", "results.csv", "report.html", "submitted.jsonl", "notes.txt"):
        (out / name).write_text("earlier")
    (out / "report-images").mkdir()
    for name in (f"{5:032x}.jpg", f"{5:032x}-evidence.jpg", "holiday.jpg"):
        (out / "report-images" / name).write_text("earlier")
    clear_output(out, folder)
    assert set(_files(out)) == {MARKER, "notes.txt", "report-images/holiday.jpg"}


def test_check_output_changes_nothing(tmp_path: Path) -> None:
    check_output(tmp_path / "demo-out", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["{folder}", "{folder}/.."])
def test_demo_command_refuses_before_it_starts_anything(folder: Path, out: str) -> None:
    before = _files(folder)
    done = subprocess.run(
        [*command("melanoma-local"), "demo", str(folder), "--out", out.format(folder=folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == "", "no service was started"
    assert done.stderr.startswith("melanoma-local: the results cannot go to ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert _files(folder) == before
