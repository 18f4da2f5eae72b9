"""Tests of `bulk.run.runner` with an input format of their own: a text file with an image, in hex, in each line."""

import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bulk.inputs import formats
from bulk.inputs.file_reader import read_file
from bulk.inputs.formats import INPUT_FORMATS, image_of
from bulk.inputs.input_image import InputImage
from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from bulk.results.result_row import ResultRow
from bulk.results.results_file import read_results
from bulk.results.run_stats import RunStats
from bulk.run.journal import SubmissionJournal, read_journal
from bulk.run.manifest import RunManifest
from bulk.run.progress import ProgressDisplay
from bulk.run.runner import FolderRunner, RunPlan
from bulk.submission.image_batch import ImageBatch, SubmittedImage
from shared.config.settings import Settings
from shared.contract.run_files import JOURNAL, RESULTS
from shared.service.client import ServiceClient
from tests.bulk.fake_worker import FakeWorker, decision


class HexLines:
    """A complete input format."""

    extensions = frozenset({".hex"})

    def list_images(self, path: Path) -> Iterator[str]:
        yield from (f"line/{number}" for number, _ in enumerate(self._lines(path)))

    def read_image(self, path: Path, image: str) -> bytes:
        lines, number = self._lines(path), int(image.removeprefix("line/"))
        if number >= len(lines):
            raise FileNotReadable(ReadProblem.VANISHED)
        return lines[number]

    def _lines(self, path: Path) -> list[bytes]:
        return [bytes.fromhex(line) for line in read_file(path).decode().splitlines()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(formats, "INPUT_FORMATS", (*INPUT_FORMATS, HexLines()))
    folder = tmp_path / "folder"
    (folder / "sub.hex").mkdir(parents=True)
    (folder / "plain.jpg").write_bytes(b"\0plain")
    (folder / "two.hex").write_text(f"{b'first'.hex()}\n{b'second'.hex()}\n")
    (folder / "sub.hex" / "one.hex").write_text(b"third".hex())
    (folder / "missing.hex").symlink_to("nowhere")
    return folder


@pytest.fixture
def plan(tmp_path: Path, folder: Path) -> RunPlan:
    (tmp_path / "out").mkdir()
    return RunPlan(RunManifest.create(folder, recursive=True), tmp_path / "out", window=8, shard=2)


def run(plan: RunPlan, redis_url: str) -> dict[str, ResultRow]:
    config, stop = Settings(REDIS_URL=redis_url, _env_file=None), threading.Event()  # type: ignore[call-arg]
    display = ProgressDisplay(Console(file=io.StringIO()), total=5)
    with ServiceClient(config, role="bulk", stop=stop) as service, FakeWorker(redis_url):
        FolderRunner(plan, config, service, RunStats()).run(display, stop)
    rows = [row for _, row in read_results(plan.out / RESULTS)]
    assert len(rows) == len({row.name for row in rows})
    return {row.name: row for row in rows}


def read_before(plan: RunPlan, name: str) -> SubmittedImage:
    """The image `name` as an earlier start of the run has read it, or some bytes of it if there is none."""
    image = image_of(plan.run.folder, name)
    batch = ImageBatch(key=plan.run.job_key, max_images=1, max_image_bytes=2**24)
    read = batch.read(image) or batch.read(InputImage(name, lambda: b"gone"))
    assert read is not None
    return replace(read, image=image)


def test_every_image_of_every_format_has_a_row(redis_url: str, plan: RunPlan) -> None:
    rows = run(plan, redis_url)
    assert rows.pop("missing.hex").reason is ReadProblem.BROKEN_LINK
    assert {name: row.decision for name, row in rows.items()} == {
        "plain.jpg": decision(b"\0plain"),
        "two.hex/line/0": decision(b"first"),
        "two.hex/line/1": decision(b"second"),
        "sub.hex/one.hex/line/0": decision(b"third"),
    }


def test_a_resumed_run_reads_images_of_every_format_by_their_names(redis_url: str, plan: RunPlan) -> None:
    submitted = ["plain.jpg", "two.hex/line/1", "sub.hex/one.hex/line/0", "two.hex/line/7"]
    images = [read_before(plan, name) for name in submitted]
    with SubmissionJournal(plan.out / JOURNAL) as journal:
        journal.append(images)
    assert [entry.name for entry in read_journal(plan.out / JOURNAL)] == submitted
    rows = run(plan, redis_url)
    assert rows["sub.hex/one.hex/line/0"].decision == decision(b"third")
    assert rows["two.hex/line/7"].reason is ReadProblem.VANISHED
    assert len(rows) == 6


def test_a_folder_named_like_a_format_is_not_read(redis_url: str, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "out").mkdir()
    flat = RunPlan(RunManifest.create(folder, recursive=False), tmp_path / "out", window=8, shard=2)
    assert run(flat, redis_url)["sub.hex"].reason is ReadProblem.NOT_A_FILE
