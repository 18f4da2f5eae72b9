"""Writes `results.csv` for spreadsheets and statistics. It is derived from `results.jsonl`."""

import csv
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Self, TextIO

from bulk import filenames
from bulk.atomic_file import replacing
from bulk.results.metadata import Metadata
from bulk.results.reason_texts import describe
from bulk.results.result_row import ResultRow
from bulk.results.results_file import read_results

_BEFORE_LABELS: Final = ("file", "kind", "band", "probability")
_AFTER_LABELS: Final = (
    "population",
    "receipt_lesions",
    "receipt_malignant",
    "receipt_low",
    "receipt_high",
    "advice",
    "reason",
    "message",
    "artefact",
    "batch",
    "seconds",
    "size",
    "sha256",
)
# Spreadsheets run a cell that starts like this as a formula, also in the full-width forms of East Asian scripts.
_FORMULA_START: Final = frozenset("=+-@")
# Some of them drop blanks and invisible characters before it: separators, controls, formats, surrogates.
_DROPPED: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Mn"})


class CsvTable:
    """Appends rows to the CSV at `path` (RFC 4180), with a column `p_<label>` for each of the model's labels.

    It is UTF-8 with a byte order mark, without which spreadsheets garble names that are not ASCII. The columns of
    `metadata` come last, as `metadata_<column>`.

    The labels are not known before the first verdict. Whenever a row has new ones, the file is written again from the
    results at `results`, which must hold that row already.
    """

    def __init__(self, path: Path, results: Path, metadata: Metadata | None = None) -> None:
        self._path = path
        self._results = results
        self._metadata = metadata
        self._labels: list[str] = []
        self._file: TextIO | None = None

    def append(self, rows: Sequence[ResultRow]) -> None:
        """Add `rows`. Raises `OSError`."""
        new = self._new_labels(rows)
        if new or self._file is None:
            self._labels += new
            self.rewrite()
            return
        self._write(rows)
        self._file.flush()

    def rewrite(self) -> None:
        """Write the whole file again from the results, in constant memory. Raises `OSError`."""
        self.close()
        with replacing(self._path) as temporary:
            while True:
                self._file = temporary.open("w", encoding="utf-8-sig", newline="")
                csv.writer(self._file).writerow(self._header())
                new = self._write_until_new_labels(row for _, row in read_results(self._results))
                if not new:
                    break
                self._file.close()
                self._labels += new
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def _write_until_new_labels(self, rows: Iterable[ResultRow]) -> list[str]:
        for row in rows:
            if new := self._new_labels([row]):
                return new
            self._write([row])
        return []

    def _new_labels(self, rows: Iterable[ResultRow]) -> list[str]:
        labels = {label: None for row in rows for label in row.probabilities}
        return [label for label in labels if label not in self._labels]

    def _header(self) -> list[str]:
        joined = [f"metadata_{safe_cell(column)}" for column in self._metadata.columns] if self._metadata else []
        return [*_BEFORE_LABELS, *(f"p_{label}" for label in self._labels), *_AFTER_LABELS, *joined]

    def _write(self, rows: Iterable[ResultRow]) -> None:
        if self._file is not None:
            csv.writer(self._file).writerows([*_cells(row, self._labels), *self._joined(row)] for row in rows)

    def _joined(self, row: ResultRow) -> list[str]:
        return [safe_cell(cell) for cell in self._metadata.find(row.name)] if self._metadata else []


def safe_cell(value: str) -> str:
    """`value` as text that no spreadsheet runs as a formula: with an apostrophe before what could start one."""
    if value[:1] in ("\t", "\r", "\n"):
        return f"'{value}"
    first = next((char for char in value if unicodedata.category(char) not in _DROPPED), "")
    is_formula = unicodedata.normalize("NFKC", first)[:1] in _FORMULA_START if first else False
    return f"'{value}" if is_formula else value


def _cells(row: ResultRow, labels: Sequence[str]) -> list[object]:
    verdict, reason = row.verdict, row.reason
    receipt = verdict.receipt if verdict else None
    # The csv module writes floats as `repr` does: every digit, so that ranks and the AUC stay exact.
    return [
        safe_cell(filenames.text(row.name)),
        row.decision.kind,
        verdict.band if verdict else None,
        verdict.probability if verdict else None,
        *(row.probabilities.get(label) for label in labels),
        verdict.population if verdict else None,
        receipt.lesions if receipt else None,
        receipt.malignant if receipt else None,
        receipt.low if receipt else None,
        receipt.high if receipt else None,
        " ".join(row.advice),
        reason,
        describe(reason) if reason else None,
        verdict.artefact if verdict else None,
        verdict.work.batch if verdict else None,
        row.seconds,
        row.version.size,
        row.version.sha256,
    ]
