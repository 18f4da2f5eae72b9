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
from bulk.results.metadata import Metadata, MetadataError
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
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@contextmanager
def written_to(folder: Path) -> Iterator[Written]:
    jsonl = folder / "results.jsonl"
    with ResultsFile(jsonl) as results, CsvTable(folder / "results.csv", jsonl) as table:
        yield Written(folder, results, table)


COLUMNS = (
    "file,kind,band,probability,p_mel,p_nv,population,receipt_lesions,receipt_malignant,receipt_low,receipt_high,"
    "advice,reason,message,artefact,batch,seconds,size,sha256"
)
VERDICT_LINE = (
    "a.jpg,verdict,low,1.7763568394002505e-15,1.7763568394002505e-15,0.9999999999999982,"
    "dermatoscope,41,3,0.013,0.09,blurred dark,,,test@1,8,0.25,,"
)


def test_the_table_has_these_columns(tmp_path: Path) -> None:
    poor = verdict(b"\0\0\0\0\0\0\x80").model_copy(update={"advice": (Advice.BLURRED, Advice.DARK)})
    with written_to(tmp_path) as written:
        written.append(row("a.jpg", poor))
        written.append(row("b.jpg", Failure(reason=FailureReason.PREDICT_FAILED)))
        written.append(row("c.jpg", LocalRefusal(reason=ReadProblem.VANISHED)))
    assert written.path.read_bytes().decode("utf-8-sig").split("\r\n") == [
        COLUMNS,
        VERDICT_LINE,
        "b.jpg,failure,,,,,,,,,,,predict_failed,The model failed on this picture.,,,0.25,,",
        "c.jpg,refusal,,,,,,,,,,,vanished,The file was gone when its turn came.,,,0.25,,",
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


@pytest.mark.parametrize(
    "name",
    [
        *("=1+1.jpg", "+a.jpg", "-a.jpg", "@a.jpg", "\ta.jpg", "\n=a.jpg", "\uff1da.jpg"),
        *(" =a.jpg", "\xa0=a.jpg", "\u200b=a.jpg", "\u2060 \ufeff@a.jpg", "\x00+a.jpg", "\u202e-a.jpg", "\ufe62a.jpg"),
    ],
    ids=ascii,
)
def test_no_name_becomes_a_formula(tmp_path: Path, name: str) -> None:
    with written_to(tmp_path) as written:
        written.append(row(name, REFUSED))
    (line,) = written.lines()
    assert line["file"] == f"'{name}"


@given(st.text())
def test_a_safe_cell_is_the_text_or_the_text_after_an_apostrophe(text: str) -> None:
    assert safe_cell(text) in (text, f"'{text}")
    assert safe_cell(text)[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")


def test_spreadsheets_read_names_as_utf8(tmp_path: Path) -> None:
    """Without the mark they take the bytes for another encoding. It stands once, also after a rewrite."""
    with written_to(tmp_path) as written:
        written.append(row("родинка.jpg", REFUSED))
        written.append(row("😀.jpg", verdict(b"abcdefg")))
        written.append(row("é.jpg", REFUSED))
    data = written.path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbffile,")
    assert data.count(b"\xef\xbb\xbf") == 1
    assert [line["file"] for line in written.lines()] == ["родинка.jpg", "😀.jpg", "é.jpg"]


def test_a_full_disk_leaves_the_former_table_and_no_unfinished_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with written_to(tmp_path) as written:
        written.append(row("a.jpg", REFUSED))
        former = written.path.read_bytes()
        monkeypatch.setattr("bulk.atomic_file.sync", raise_no_space)
        with pytest.raises(OSError, match="No space"):
            written.append(row("b.jpg", verdict(b"abcdefg")))
    assert written.path.read_bytes() == former
    assert {path.name for path in tmp_path.iterdir()} == {"results.csv", "results.jsonl"}


def raise_no_space(_: object) -> None:
    raise OSError(28, "No space left on device")


def joined(tmp_path: Path, table: str, *names: str) -> list[dict[str, str]]:
    (tmp_path / "metadata.csv").write_text(table, encoding="utf-8-sig")
    jsonl = tmp_path / "results.jsonl"
    metadata = Metadata(tmp_path / "metadata.csv")
    with ResultsFile(jsonl) as results, CsvTable(tmp_path / "results.csv", jsonl, metadata) as csv_table:
        written = Written(tmp_path, results, csv_table)
        written.append(*(row(name, REFUSED) for name in names))
        return written.lines()


def test_a_table_is_joined_by_file_or_isic_id(tmp_path: Path) -> None:
    table = "isic_id,sex,note\r\nISIC_0000001,female,=1+1\nisic_0000002,male,\n"
    names = ("ISIC_0000001.jpg", "sub/ISIC_0000002_downsampled.JPG", "other.jpg")
    lines = joined(tmp_path, table, *names)
    assert [line["metadata_sex"] for line in lines] == ["female", "male", ""]
    assert lines[0]["metadata_note"] == "'=1+1"
    lines = joined(tmp_path, "x,File\n1,sub/a.jpg\n2,b\n3,c.jpg\n", "sub/a.jpg", "b.png", "d/c.jpg", "a.jpg")
    assert [line["metadata_x"] for line in lines[-4:]] == ["1", "2", "3", ""]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (b"", "no column"),
        (b"age,sex\n", "no column"),
        (b"file\n\xff\xfe", "UTF-8"),
        (b'file\n"' + b"x" * 200_000, "CSV"),
    ],
)
def test_a_table_that_cannot_be_joined_is_named(tmp_path: Path, table: bytes, problem: str) -> None:
    (tmp_path / "metadata.csv").write_bytes(table)
    with pytest.raises(MetadataError, match=problem):
        Metadata(tmp_path / "metadata.csv")
