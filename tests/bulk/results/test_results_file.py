"""The JSONL, and the table that is derived from it."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulk.rejections import LocalRefusal, ReadProblem
from bulk.results.csv_table import CsvTable, safe_cell
from bulk.results.results_file import ResultsFile, read_results
from bulk.submission.items import ImageResult
from shared.contract.decision import Refusal, RefusalReason, Verdict
from tests.bulk.fake_worker import verdict


def answer(name: str, decision: Verdict | Refusal | LocalRefusal) -> ImageResult:
    return ImageResult("00" * 16, name, decision, decision.model_dump_json().encode(), 0.25)


def table_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


REFUSED = Refusal(reason=RefusalReason.DAMAGED)


@pytest.mark.parametrize(
    "torn", [b'{"id": "11', b"x", b'{"id": "11", "file": "whole but for the newline"}', b"y" * 200_000]
)
def test_a_torn_last_line_is_dropped(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "results.jsonl"
    with ResultsFile(path) as results:
        results.append([answer("a.jpg", REFUSED), answer("b.jpg", REFUSED)])
    with path.open("ab") as file:
        file.write(torn)
    with ResultsFile(path) as results:
        results.append([answer("c.jpg", REFUSED)])
    assert [row["file"] for _, row in read_results(path)] == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_row_holds_the_whole_decision(tmp_path: Path) -> None:
    decided = verdict(b"\x55\x99abcdefg")
    with ResultsFile(tmp_path / "results.jsonl") as results:
        results.append([answer("a.jpg", decided)])
    ((_, row),) = read_results(tmp_path / "results.jsonl")
    assert {key: row.pop(key) for key in ("id", "file", "seconds")} == {
        "id": "00" * 16,
        "file": "a.jpg",
        "seconds": 0.25,
    }
    assert Verdict.model_validate_json(json.dumps(row)) == decided


def test_the_table_has_label_columns_even_when_refusals_come_first(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    with ResultsFile(tmp_path / "results.jsonl") as results, CsvTable(path, tmp_path / "results.jsonl") as table:
        table.append(results.append([answer("a.jpg", LocalRefusal(reason=ReadProblem.VANISHED))]))
        assert "p_mel" not in table_of(path)[0]
        table.append(results.append([answer("b.jpg", verdict(b"\x55\x99abcdefg"))]))
        table.append(results.append([answer("c.jpg", REFUSED)]))
        rows = table_of(path)
    assert [row["file"] for row in rows] == ["a.jpg", "b.jpg", "c.jpg"]
    assert [row["kind"] for row in rows] == ["refusal", "verdict", "refusal"]
    assert rows[0]["p_mel"] == ""
    assert rows[0]["message"] == "The file was gone when its turn came."
    assert rows[1]["receipt_lesions"] == "41"
    assert rows[1]["batch"] == "8"


def test_the_table_takes_labels_of_another_model(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    other = verdict(b"abcdefg").model_copy(update={"probabilities": {"mel": 0.25, "bcc": 0.75}})
    with ResultsFile(tmp_path / "results.jsonl") as results, CsvTable(path, tmp_path / "results.jsonl") as table:
        table.append(results.append([answer("a.jpg", verdict(b"abcdefg"))]))
        table.append(results.append([answer("b.jpg", other)]))
    assert [(row["p_mel"] != "", row["p_nv"] != "", row["p_bcc"]) for row in table_of(path)] == [
        (True, True, ""),
        (True, False, "0.75"),
    ]


@given(st.floats(min_value=0, max_value=1))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_probabilities_keep_every_digit(tmp_path: Path, probability: float) -> None:
    path = tmp_path / "results.jsonl"
    path.unlink(missing_ok=True)
    decided = verdict(b"abcdefg").model_copy(update={"probability": probability, "probabilities": {"mel": probability}})
    with ResultsFile(path) as results, CsvTable(tmp_path / "results.csv", path) as table:
        table.append(results.append([answer("a.jpg", decided)]))
    (row,) = table_of(tmp_path / "results.csv")
    assert float(row["probability"]) == float(row["p_mel"]) == probability


@pytest.mark.parametrize("name", ["=1+1.jpg", "+a.jpg", "-a.jpg", "@a.jpg", "\ta.jpg", "\n=a.jpg", "\uff1da.jpg"])
def test_no_name_is_a_formula(tmp_path: Path, name: str) -> None:
    with (
        ResultsFile(tmp_path / "results.jsonl") as results,
        CsvTable(tmp_path / "t.csv", tmp_path / "results.jsonl") as t,
    ):
        t.append(results.append([answer(name, REFUSED)]))
    (row,) = table_of(tmp_path / "t.csv")
    assert row["file"] == f"'{name}"
    ((_, exact),) = read_results(tmp_path / "results.jsonl")
    assert exact["file"] == name


@given(st.text())
def test_a_safe_cell_is_the_name_or_the_name_after_an_apostrophe(name: str) -> None:
    assert safe_cell(name) in (name, f"'{name}")
    assert safe_cell(name)[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
