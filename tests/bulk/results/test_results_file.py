"""Tests of `bulk.results.results_file`."""

from pathlib import Path

import pytest

from bulk.results.results_file import ResultsFile, read_results, read_row_at
from tests.bulk.fake_worker import verdict
from tests.bulk.results.rows import REFUSED, row


@pytest.mark.parametrize(
    "torn", [b'{"id": "11', b"x", b'{"id": "11", "file": "whole but for the newline"}', b"y" * 200_000]
)
def test_drops_a_torn_last_line(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "results.jsonl"
    with ResultsFile(path) as results:
        results.append([row("a.jpg", REFUSED), row("b.jpg", REFUSED)])
    with path.open("ab") as file:
        file.write(torn)
    with ResultsFile(path) as results:
        results.append([row("c.jpg", REFUSED)])
    assert [read.name for _, read in read_results(path)] == ["a.jpg", "b.jpg", "c.jpg"]


def test_reads_the_rows_that_were_appended(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    rows = [row("a.jpg", verdict(b"\x55\x99abcdefg")), row("b.jpg", REFUSED)]
    with ResultsFile(path) as results:
        results.append(rows)
    assert [read for _, read in read_results(path)] == rows
    assert [read_row_at(path, offset) for offset, _ in read_results(path)] == rows
