"""Tests of `bulk.results.results_file`."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Files of this process cannot grow beyond `size`, as if the disk were full."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


def test_a_full_disk_keeps_what_was_appended_before_and_nothing_of_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with ResultsFile(path) as results:
        results.append([row("a.jpg", REFUSED)])
        results.append([row("b.jpg", REFUSED)])
        with file_size_limit(path.stat().st_size + 100), pytest.raises(OSError, match="large"):
            results.append([row("c.jpg", REFUSED), row("d.jpg", REFUSED)])
        assert [read.name for _, read in read_results(path)] == ["a.jpg", "b.jpg"]
        results.append([row("e.jpg", REFUSED)])
    assert [read.name for _, read in read_results(path)] == ["a.jpg", "b.jpg", "e.jpg"]


def test_append_returns_when_the_disk_has_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.jsonl"
    synced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes()))
    with ResultsFile(path) as results:
        results.append([row("a.jpg", REFUSED)])
    assert synced == [path.read_bytes()]
