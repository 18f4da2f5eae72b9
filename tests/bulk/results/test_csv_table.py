"""Tests of `bulk.results.csv_table`."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulk.inputs.read_problem import ReadProblem
from bulk.results.csv_table import CsvTable, safe_cell
from bulk.results.result_row import LocalRefusal, ResultRow
from bulk.results.results_file import ResultsFile
from shared.contract.decision import Advice, Failure, FailureReason
from tests.bulk.fake_worker import verdict
from tests.bulk.results.rows import REFUSED, row
from tests.hypothesis_profiles import examples


class Written:
    """A CSV in `folder`, and the results file that it is derived from."""

    def __init__(self, folder: Path, results: ResultsFile, table: CsvTable) -> None:
        self.path = folder / "results.csv"
        self._results = results
        self._table = table

    def append(self, *rows: ResultRow) -> None:
        self._results.append(rows)
        self._table.append(rows)

    def lines(self) -> list[dict[str, str]]:
        with self.path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@contextmanager
def written_to(folder: Path) -> Iterator[Written]:
    jsonl = folder / "results.jsonl"
    with ResultsFile(jsonl) as results, CsvTable(folder / "results.csv", jsonl) as table:
        yield Written(folder, results, table)


COLUMNS = (
    "file,kind,band,probability,p_mel,p_nv,population,receipt_lesions,receipt_malignant,receipt_low,receipt_high,"
    "advice,reason,message,artefact,batch,seconds"
)
VERDICT_LINE = (
    "a.jpg,verdict,low,1.7763568394002505e-15,1.7763568394002505e-15,0.9999999999999982,"
    "dermatoscope,41,3,0.013,0.09,blurred dark,,,test@1,8,0.25"
)


def test_the_table_has_these_columns(tmp_path: Path) -> None:
    poor = verdict(b"\0\0\0\0\0\0\x80").model_copy(update={"advice": (Advice.BLURRED, Advice.DARK)})
    with written_to(tmp_path) as written:
        written.append(row("a.jpg", poor))
        written.append(row("b.jpg", Failure(reason=FailureReason.PREDICT_FAILED)))
        written.append(row("c.jpg", LocalRefusal(reason=ReadProblem.VANISHED)))
    assert written.path.read_bytes().decode().split("\r\n") == [
        COLUMNS,
        VERDICT_LINE,
        "b.jpg,failure,,,,,,,,,,,predict_failed,The model failed on this picture.,,,0.25",
        "c.jpg,refusal,,,,,,,,,,,vanished,The file was gone when its turn came.,,,0.25",
        "",
    ]


def test_the_table_has_label_columns_even_when_refusals_come_first(tmp_path: Path) -> None:
    with written_to(tmp_path) as written:
        written.append(row("a.jpg", LocalRefusal(reason=ReadProblem.VANISHED)))
        assert "p_mel" not in written.lines()[0]
        written.append(row("b.jpg", verdict(b"\x55\x99abcdefg")))
        written.append(row("c.jpg", REFUSED))
        lines = written.lines()
    assert [line["file"] for line in lines] == ["a.jpg", "b.jpg", "c.jpg"]
    assert [line["kind"] for line in lines] == ["refusal", "verdict", "refusal"]
    assert lines[0]["p_mel"] == ""
    assert lines[0]["message"] == "The file was gone when its turn came."
    assert lines[1]["receipt_lesions"] == "41"
    assert lines[1]["batch"] == "8"


def test_the_table_gets_columns_for_the_labels_of_another_model(tmp_path: Path) -> None:
    other = verdict(b"abcdefg").model_copy(update={"probabilities": {"mel": 0.25, "bcc": 0.75}})
    with written_to(tmp_path) as written:
        written.append(row("a.jpg", verdict(b"abcdefg")))
        written.append(row("b.jpg", other))
    assert [(line["p_mel"] != "", line["p_nv"] != "", line["p_bcc"]) for line in written.lines()] == [
        (True, True, ""),
        (True, False, "0.75"),
    ]


@given(st.floats(min_value=0, max_value=1))
@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_probabilities_keep_every_digit(tmp_path: Path, probability: float) -> None:
    (tmp_path / "results.jsonl").unlink(missing_ok=True)
    probabilities = {"probability": probability, "probabilities": {"mel": probability}}
    with written_to(tmp_path) as written:
        written.append(row("a.jpg", verdict(b"").model_copy(update=probabilities)))
    (line,) = written.lines()
    assert float(line["probability"]) == float(line["p_mel"]) == probability


@pytest.mark.parametrize("name", ["=1+1.jpg", "+a.jpg", "-a.jpg", "@a.jpg", "\ta.jpg", "\n=a.jpg", "\uff1da.jpg"])
def test_no_name_becomes_a_formula(tmp_path: Path, name: str) -> None:
    with written_to(tmp_path) as written:
        written.append(row(name, REFUSED))
    (line,) = written.lines()
    assert line["file"] == f"'{name}"


@given(st.text())
def test_a_safe_cell_is_the_text_or_the_text_after_an_apostrophe(text: str) -> None:
    assert safe_cell(text) in (text, f"'{text}")
    assert safe_cell(text)[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
