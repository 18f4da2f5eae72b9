"""Tests of `bulk.report.html_report`."""

import re
import threading
import time
from pathlib import Path

import pytest

from bulk.inputs.read_problem import ReadProblem
from bulk.report import html_report
from bulk.report.html_report import ReportSource, write_report
from bulk.results.result_row import AnyDecision, LocalRefusal, ResultRow
from bulk.results.results_file import ResultsFile
from bulk.results.run_stats import RunStats
from shared.contract.decision import Failure, FailureReason
from shared.redis_client.retry import ShutdownRequested
from tests.bulk.fake_worker import verdict


class Run:
    """A finished run without a folder, and its report."""

    def __init__(self, directory: Path) -> None:
        self.source = ReportSource(directory / '<i>"folder"', directory / "results.jsonl", directory / "no artefact")
        self.path = directory / "report.html"
        self.stats = RunStats()
        self.stop = threading.Event()

    def add(self, *decisions: AnyDecision, name: str = "{}.jpg") -> None:
        with ResultsFile(self.source.results) as results:
            rows = [ResultRow(f"{n:032x}", name.format(n), 0.25, decision) for n, decision in enumerate(decisions)]
            results.append(rows)
            self.stats.add(rows)

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
    assert "<script" not in page
    assert "<i>" not in page
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
    totals = re.findall(r'<h2>(\w+) <span class="total">(\d+)', page)
    assert totals == [("Verdicts", "2"), ("Refused", "1"), ("Failed", "1")]
    assert re.findall(r'"name">(\d)', page) == ["3", "1", "2", "0"]
    assert "The file was gone when its turn came." in page
    assert page.endswith("</html>\n")


def test_a_section_is_limited_and_says_so(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_report, "MAX_VERDICTS", 3)
    finished.add(*(verdict(bytes([n]) + bytes(6)) for n in range(8)))
    page = finished.report()
    assert re.findall(r'"name">(\d)', page) == ["7", "6", "5"]
    assert "the highest probabilities 3 of 8; results.csv has all of them" in page


def test_the_page_is_written_while_cards_are_made(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop in the middle is noticed, the remaining cards are not made, and no report is left."""
    cards = 0

    def count(*_: object) -> list[str]:
        nonlocal cards
        cards += 1
        finished.stop.set()
        # Real thumbnails take longer than this. Without it, all cards could be made before the page's next chunk.
        time.sleep(0.02)
        return []

    monkeypatch.setattr(html_report, "make_thumbnails", count)
    finished.add(*(verdict(bytes([n]) + bytes(6)) for n in range(200)))
    with pytest.raises(ShutdownRequested):
        finished.report()
    assert not finished.path.exists()
    assert cards < 200
