"""Everything at once: each image of a mixed folder has exactly one row, in each file of the results."""

import csv
import json
import os
from pathlib import Path

import pytest

from bulk import filenames
from tests.bulk.command_process import run
from tests.bulk.fake_worker import FakeWorker

if not os.environ.get("CI"):
    pytest.importorskip("pydicom")
from tests.bulk.run.mixed_folder import build


def test_each_image_of_a_mixed_folder_has_one_row(redis_url: str, tmp_path: Path) -> None:
    names = build(tmp_path / "folder", 200)
    with FakeWorker(redis_url):
        code, out, err = run(redis_url, tmp_path / "folder", "--out", "out", cwd=tmp_path)
    assert code == 0, err
    assert "200 pictures: 200 verdicts" in out
    assert "1 other files (.txt), 1 masks and superpixels of other pictures" in out
    rows = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines()]
    assert sorted(filenames.from_fields(row) for row in rows) == sorted(names)
    with (tmp_path / "out" / "results.csv").open(encoding="utf-8-sig", newline="") as table:
        assert len(list(csv.DictReader(table))) == 200
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<article") == 200
    assert "is not shown" not in page
    assert len(list((tmp_path / "out" / "report-images").iterdir())) == 400
