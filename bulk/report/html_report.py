"""Writes `report.html`: one page without external resources, with the highest probabilities first."""

import heapq
import os
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import ValidationError

from bulk import filenames
from bulk.report import row_formatting
from bulk.report.row_formatting import BAND_MEANINGS, BAND_TITLES, format_percent, format_population
from bulk.report.thumbnails import make_thumbnails
from bulk.results.reason_texts import describe
from bulk.results.result_row import ResultRow
from bulk.results.results_file import read_results, read_row_at
from bulk.results.run_stats import RunStats
from shared.contract.decision import Band
from shared.model.artefact import MANIFEST_NAME, Manifest
from shared.redis_client.retry import ShutdownRequested

#: Maximum numbers of cards of each kind: a page with more would fill the memory of a phone.
MAX_VERDICTS: Final = 500
MAX_OTHERS: Final = 100
# Each thread may hold an image of 50 million pixels.
_THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class ReportSource:
    """Paths of the report's content: the folder, the results, and the directory of the served artefact."""

    folder: Path
    results: Path
    artefact: Path


@dataclass(frozen=True, slots=True)
class _Count:
    css_class: str
    title: str
    number: int


@dataclass(frozen=True, slots=True)
class _Card:
    row: ResultRow
    name: str
    thumbnails: list[str]

    @property
    def captioned_thumbnails(self) -> list[tuple[str, str]]:
        return list(zip(self.thumbnails, ("as sent", "evidence for malignancy"), strict=False))


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    total: int
    rest: str
    cards: Iterator[_Card]


def write_report(path: Path, source: ReportSource, stats: RunStats, *, note: str = "", stop: threading.Event) -> None:
    """Write the page to `path`, whole or not at all.

    Raises `OSError`, and `shared.redis_client.retry.ShutdownRequested` once `stop` is set.
    """
    temporary = path.with_suffix(".html.tmp")
    with temporary.open("w", encoding="utf-8") as file, closing(_render(source, stats, note)) as chunks:
        for chunk in chunks:
            if stop.is_set():
                raise ShutdownRequested
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _render(source: ReportSource, stats: RunStats, note: str) -> Generator[str, None, None]:
    manifest = _read_manifest(source.artefact, stats)
    yield from (
        _environment()
        .get_template("page.html.j2")
        .generate(
            folder=filenames.visible(source.folder.name or str(source.folder)),
            written=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
            note=filenames.visible(note),
            counts=_counts(stats),
            bands={band: meaning + _measured(band, manifest) for band, meaning in BAND_MEANINGS.items()},
            sections=_sections(source, stats),
            artefacts=", ".join(sorted(stats.artefacts)) or "none",
            licence=manifest.licence if manifest else "see its model.json",
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bulk.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "title_of_band": BAND_TITLES.__getitem__,
        "percent": row_formatting.format_percent,
        "probability_title": row_formatting.format_probability_title,
        "receipt": row_formatting.format_receipt,
        "meaning": row_formatting.format_meaning,
        "advice": row_formatting.format_advice,
        "duration": row_formatting.format_duration,
        "reason_text": describe,
    }
    return environment


def _sections(source: ReportSource, stats: RunStats) -> Iterator[_Section]:
    verdicts, refusals, failures = _select(source.results)
    for title, offsets, total, order in (
        ("Verdicts", verdicts, stats.kinds["verdict"], "the highest probabilities"),
        ("Refused", refusals, stats.kinds["refusal"], "the first"),
        ("Failed", failures, stats.kinds["failure"], "the first"),
    ):
        if offsets:
            rest = f"{order} {len(offsets)} of {total}; results.csv has all of them" if total > len(offsets) else ""
            with closing(_cards(offsets, source)) as cards:
                yield _Section(title, total, rest, cards)


def _select(results: Path) -> tuple[list[int], list[int], list[int]]:
    """Byte offsets of the lines that get a card: verdicts, refusals, failures. Only the offsets are in memory."""
    others: dict[str, list[int]] = {"refusal": [], "failure": []}

    def verdicts() -> Iterator[tuple[float, int]]:
        for offset, row in read_results(results):
            if row.verdict:
                yield row.verdict.probability, -offset
            elif len(others[row.decision.kind]) < MAX_OTHERS:
                others[row.decision.kind].append(offset)

    highest = heapq.nlargest(MAX_VERDICTS, verdicts())
    return [-offset for _, offset in highest], others["refusal"], others["failure"]


def _cards(offsets: list[int], source: ReportSource) -> Generator[_Card, None, None]:
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="cards")
    try:
        yield from pool.map(partial(_card, source), offsets)
    finally:
        pool.shutdown(cancel_futures=True)


def _card(source: ReportSource, offset: int) -> _Card:
    row = read_row_at(source.results, offset)
    return _Card(row, filenames.visible(row.name), make_thumbnails(row, source.folder))


def _counts(stats: RunStats) -> list[_Count]:
    return [
        *(_Count(band, title, stats.bands[band]) for band, title in BAND_TITLES.items()),
        _Count("refusal", "Refused", stats.kinds["refusal"]),
        _Count("failure", "Failed", stats.kinds["failure"]),
    ]


def _measured(band: Band, manifest: Manifest | None) -> str:
    """Sentences on the shares of held-out malignant and benign lesions in this band."""
    text = ""
    for population in manifest.populations if manifest else ():
        kind, bands = format_population(population.name), population.bands
        if band is Band.HIGH:
            text += (
                f" On {kind} pictures {format_percent(bands.high_sensitivity)} of the malignant lesions fell"
                f" here, and {format_percent(1 - bands.high_specificity)} of the benign ones."
            )
        if band is Band.LOW:
            text += (
                f" On {kind} pictures {format_percent(1 - bands.low_sensitivity)} of the malignant lesions fell"
                " here all the same."
            )
    return text


def _read_manifest(artefact: Path, stats: RunStats) -> Manifest | None:
    """The manifest of the model that gave all verdicts; None unless this machine has that very version."""
    try:
        manifest = Manifest.model_validate_json((artefact / MANIFEST_NAME).read_bytes())
    except (OSError, ValidationError):
        return None
    return manifest if set(stats.artefacts) == {manifest.title} else None
