"""Tests of `bulk.report.html_report`."""

import hashlib
import io
import re
import tarfile
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bulk.inputs.input_image import ImageVersion
from bulk.inputs.read_problem import ReadProblem
from bulk.report import html_report
from bulk.report.html_report import MAX_INLINE, ReportSource, write_report
from bulk.report.thumbnails import read_judged_image
from bulk.results.result_row import AnyDecision, LocalRefusal, ResultRow
from bulk.results.results_file import ResultsFile
from bulk.results.run_stats import RunStats
from shared.contract.decision import Failure, FailureReason
from shared.model.artefact import read_artefact
from shared.redis_client.retry import ShutdownRequested
from tests.bulk.fake_worker import verdict


def jpeg(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (shade % 256, 90, 90)).save(buffer, "JPEG")
    return buffer.getvalue()


class Run:
    """A finished run without a folder, and its report."""

    def __init__(self, directory: Path) -> None:
        self.source = ReportSource(directory / "folder", directory / "results.jsonl", directory / "no artefact")
        self.path = directory / "report.html"
        self.stats = RunStats()
        self.stop = threading.Event()

    def add(self, *decisions: AnyDecision, name: str = "{}.jpg") -> None:
        with ResultsFile(self.source.results) as results:
            rows = [ResultRow(f"{n:032x}", name.format(n), 0.25, decision) for n, decision in enumerate(decisions)]
            results.append(rows)
            self.stats.add(rows)

    def add_pictures(self, count: int, *, first: int = 0) -> None:
        """Add rows and files, high and low ones in turn."""
        self.source.folder.mkdir(exist_ok=True)
        for n in range(first, first + count):
            (self.source.folder / f"{n}.jpg").write_bytes(jpeg(n))
            self.add_row(f"{n}.jpg", jpeg(n), bytes([n % 128 + 128 * (n % 2)]) + bytes(6))

    def add_row(self, name: str, data: bytes, score: bytes) -> None:
        version = ImageVersion(len(data), hashlib.sha256(data).hexdigest(), 0)
        with ResultsFile(self.source.results) as results:
            row = ResultRow(hashlib.md5(name.encode()).hexdigest(), name, 0.25, verdict(score), version)
            results.append([row])
            self.stats.add([row])

    def picture_files(self) -> set[Path]:
        return set((self.path.parent / "report-images").glob("*"))

    def report(self, note: str = "") -> str:
        write_report(self.path, self.source, self.stats, note=note, stop=self.stop)
        return self.path.read_text("utf-8")


@pytest.fixture
def finished(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_names_and_the_note_are_escaped(finished: Run) -> None:
    finished.add(verdict(b""), LocalRefusal(reason=ReadProblem.VANISHED), name="\"'><em>{}&amp;\u202e.jpg")
    page = finished.report(note="<script>\x1b</script>")
    assert "<em>" not in page
    assert page.count("<script") == 1  # the page's own
    assert "&lt;em&gt;0&amp;amp;\\u202e.jpg" in page
    assert "&lt;script&gt;\\x1b&lt;/script&gt;" in page


def test_each_kind_has_its_section_with_the_highest_probabilities_first(finished: Run) -> None:
    finished.add(
        Failure(reason=FailureReason.DEADLINE),
        verdict(b"\x10" + bytes(6)),
        LocalRefusal(reason=ReadProblem.VANISHED),
        verdict(b"\x90" + bytes(6)),
    )
    page = finished.report()
    totals = re.findall(r'<h2 id="title-\w+">(\w+) <span class="total">(\d+)', page)
    assert totals == [("High", "1"), ("Low", "1"), ("Refused", "1"), ("Failed", "1")]
    tiles = re.findall(r'class="tile \w+" href="#(\w+)"', page)
    assert tiles == re.findall(r'<section id="(\w+)"', page) == ["high", "low", "refusal", "failure"]
    assert re.findall(r'<h3 class="name" id="card-\d">(\d)', page) == ["3", "1", "2", "0"]
    assert "The file was gone when its turn came." in page
    assert page.endswith("</html>\n")


def test_the_report_says_what_counts_as_found(finished: Run) -> None:
    finished.add(verdict(b"\x10" + bytes(6)), verdict(b"\x90" + bytes(6)))
    # With the artefact, the page says what was measured in each band.
    finished.source = replace(finished.source, artefact=Path("models/lite0"))
    finished.stats.artefacts = Counter({read_artefact(Path("models/lite0")).title: 2})
    text = re.sub(r"\s+", " ", finished.report())
    assert "of the malignant or pre-malignant lesions fell here all the same" in text
    assert "malignant or pre-malignant" in text
    assert re.findall(r".{40}(?<!pre-)malignant(?! or pre-malignant).{40}", text) == []


def test_a_section_is_limited_and_says_so(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_report, "MAX_CARDS", 3)
    finished.add(*(verdict(bytes([n]) + bytes(6)) for n in range(8)))
    finished.add(*[Failure(reason=FailureReason.DEADLINE)] * 4, name="failed {}.jpg")
    page = finished.report()
    assert re.findall(r'id="card-\d">(.+?)\.jpg', page) == ["7", "6", "5", "failed 0", "failed 1", "failed 2"]
    assert "the highest probabilities, 3 of 8; results.csv has all of them" in page
    assert "the first 3 of 4; results.csv has all of them" in page


@pytest.mark.parametrize("count", [3, MAX_INLINE + 1])
def test_a_stop_leaves_the_former_report_and_its_pictures(finished: Run, count: int) -> None:
    finished.add_pictures(count)
    former = finished.report()
    pictures = finished.picture_files()
    assert len(pictures) == (0 if count == 3 else 2 * count)
    finished.add_pictures(5, first=count)
    finished.stop.set()
    with pytest.raises(ShutdownRequested):
        finished.report()
    assert finished.path.read_text("utf-8") == former
    assert finished.picture_files() == pictures
    assert [path.name for path in finished.path.parent.glob("*.tmp")] == []


def test_a_full_disk_removes_the_pictures_of_an_unfinished_report(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished.add_pictures(MAX_INLINE + 1)
    written = 0

    def write(path: Path, data: bytes) -> int:
        nonlocal written
        written += 1
        if written > 20:
            raise OSError(28, "No space left on device", str(path))
        with path.open("wb") as file:
            return file.write(data)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(OSError, match="No space"):
        finished.report()
    assert sorted(path.name for path in finished.path.parent.iterdir()) == ["folder", "results.jsonl"]


def test_the_pictures_of_a_large_run_are_files_that_load_lazily(finished: Run) -> None:
    finished.add_pictures(MAX_INLINE + 1)
    page = finished.report()
    sources = re.findall(r'<img src="([^"]+)" alt="[^"]+" loading="lazy"', page)
    assert len(sources) == 2 * (MAX_INLINE + 1)
    assert {finished.path.parent / source for source in sources} == finished.picture_files()
    assert "data:image" not in page
    assert '<details class="section" open' in page  # high
    assert '<details class="section">' in page  # low


@pytest.mark.parametrize("change", ["replaced", "removed", "damaged"])
def test_a_report_shows_no_other_picture_than_the_one_judged(finished: Run, change: str) -> None:
    finished.add_pictures(2)
    former = finished.report()
    assert former.count("data:image") == 4
    path = finished.source.folder / "0.jpg"
    path.unlink()
    if change != "removed":
        path.write_bytes(jpeg(200) if change == "replaced" else b"damaged")
    page = finished.report()
    assert page.count("data:image") == 2
    assert page.count("changed or removed after it was judged") == 1


def test_pictures_of_a_compressed_archive_are_read_in_its_order(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Going back in a compressed file means to unpack it from its beginning."""
    finished.source.folder.mkdir()
    with tarfile.open(finished.source.folder / "a.tgz", "w:gz") as archive:
        for n in range(6):
            info = tarfile.TarInfo(f"{n}.jpg")
            info.size = len(jpeg(n))
            archive.addfile(info, io.BytesIO(jpeg(n)))
    read: list[str] = []

    def note(row: ResultRow, folder: Path) -> bytes | None:
        read.append(row.name)
        return read_judged_image(row, folder)

    monkeypatch.setattr(html_report, "read_judged_image", note)
    for n in (3, 5, 0, 4, 1, 2):
        finished.add_row(f"a.tgz/{n}.jpg", jpeg(n), bytes([n * 40 % 256]) + bytes(6))
    assert finished.report().count("data:image") == 12
    assert read == [f"a.tgz/{n}.jpg" for n in (4, 5, 0, 1, 2, 3)]  # by section


def test_pictures_of_a_former_report_do_not_stay(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    finished.add_pictures(3)
    monkeypatch.setattr(html_report, "MAX_INLINE", 2)
    finished.report()
    assert len(finished.picture_files()) == 6
    (finished.path.parent / "report-images" / f"{1:032x}.jpg").touch()
    finished.report()
    assert len(finished.picture_files()) == 6
    monkeypatch.setattr(html_report, "MAX_INLINE", 60)
    finished.report()
    assert finished.picture_files() == set()
