"""Writes `report.html`: a page without external resources. Sections by band, the highest probabilities first.

The pictures of a small run are in the page itself, so that it can be sent as one file. Those of a large run are files
beside it, which a browser loads when they are scrolled into view.
"""

import base64
import hashlib
import heapq
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import ValidationError

from bulk import filenames
from bulk.atomic_file import replacing
from bulk.inputs.formats import read_order
from bulk.report import row_formatting
from bulk.report.report_images import ReportImages
from bulk.report.row_formatting import BAND_MEANINGS, BAND_TITLES, format_percent, format_population
from bulk.report.thumbnails import make_thumbnails, read_judged_image
from bulk.results.reason_texts import describe
from bulk.results.result_row import ResultRow
from bulk.results.results_file import read_results, read_row_at
from bulk.results.run_stats import RunStats
from shared.contract import run_files
from shared.contract.decision import Band
from shared.model.artefact import MANIFEST_NAME, Manifest
from shared.redis_client.retry import ShutdownRequested

#: Maximum number of cards in each section: a page with more would fill the memory of a phone.
MAX_CARDS: Final = 250
#: A run of more pictures has them in files, and the sections that need no doctor are closed at first.
MAX_INLINE: Final = 60
# Each thread may hold an image of 50 million pixels.
_THREADS: Final = 4
# Images that are read before their thumbnails are made.
_READ_AHEAD: Final = 2 * _THREADS
# Sections that are open at first in a large run.
_ALWAYS_OPEN: Final = frozenset({Band.HIGH, Band.ELEVATED})
_OTHER_TITLES: Final = {"refusal": "Refused", "failure": "Failed"}


@dataclass(frozen=True, slots=True)
class ReportSource:
    """Paths of the report's content: the folder, the results, and the directory of the served artefact."""

    folder: Path
    results: Path
    artefact: Path


@dataclass(frozen=True, slots=True)
class _Card:
    row: ResultRow
    name: str
    number: int
    images: Sequence[str]

    @property
    def captioned_images(self) -> list[tuple[str, str]]:
        return list(zip(self.images, ("as sent", "what raised the score"), strict=False))


@dataclass(frozen=True, slots=True)
class _Tile:
    id: str
    title: str
    number: int


@dataclass(frozen=True, slots=True)
class _Section:
    tile: _Tile
    is_open: bool
    rest: str
    cards: list[_Card]


def write_report(path: Path, source: ReportSource, stats: RunStats, *, note: str = "", stop: threading.Event) -> None:
    """Write the page to `path`, whole or not at all, and the pictures of a large run beside it.

    Raises `OSError`, and `shared.redis_client.retry.ShutdownRequested` once `stop` is set.
    """
    is_large = stats.done > MAX_INLINE
    images = ReportImages(path.with_name(run_files.REPORT_IMAGES), inline=not is_large)

    def make_images(rows: Sequence[ResultRow]) -> list[list[str]]:
        return _make_images(rows, source.folder, images, stop)

    with (
        images,
        closing(_render(source, stats, note, _sections(source, stats, make_images, is_large=is_large))) as chunks,
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8") as file,
    ):
        for chunk in chunks:
            _check(stop)
            file.write(chunk)


def _render(
    source: ReportSource, stats: RunStats, note: str, sections: Iterator[_Section]
) -> Generator[str, None, None]:
    manifest = _read_manifest(source.artefact, stats)
    environment = _environment()
    script = environment.get_template("report.js").render()
    yield from environment.get_template("page.html.j2").generate(
        folder=filenames.visible(source.folder.name or str(source.folder)),
        written=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
        note=filenames.visible(note),
        tiles=_tiles(stats),
        bands={band: meaning + _measured(band, manifest) for band, meaning in BAND_MEANINGS.items()},
        sections=sections,
        artefacts=", ".join(sorted(stats.artefacts)) or "none",
        licence=manifest.licence if manifest else "see its model.json",
        script=Markup(script),  # noqa: S704 - our own
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
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


def _sections(
    source: ReportSource,
    stats: RunStats,
    make_images: Callable[[Sequence[ResultRow]], list[list[str]]],
    *,
    is_large: bool,
) -> Iterator[_Section]:
    selected = _select(source.results)
    number = 0
    for tile in _tiles(stats):
        rows = [read_row_at(source.results, offset) for offset in selected.get(tile.id, [])]
        if not rows:
            continue
        order = "the first" if tile.id in _OTHER_TITLES else "the highest probabilities,"
        rest = f"{order} {len(rows)} of {tile.number}; results.csv has all of them" if tile.number > len(rows) else ""
        cards = [
            _Card(row, filenames.visible(row.name), card, images)
            for card, (row, images) in enumerate(zip(rows, make_images(rows), strict=True), number)
        ]
        yield _Section(tile, not is_large or tile.id in _ALWAYS_OPEN, rest, cards)
        number += len(rows)


def _select(results: Path) -> dict[str, list[int]]:
    """Byte offsets of the lines that get a card, by section. Only the offsets are in memory."""
    highest: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
    for offset, row in read_results(results):
        section = highest[row.verdict.band if row.verdict else row.decision.kind]
        entry = (row.verdict.probability if row.verdict else 0.0, -offset)
        if len(section) < MAX_CARDS:
            heapq.heappush(section, entry)
        else:
            heapq.heappushpop(section, entry)
    return {id_: [-offset for _, offset in sorted(section, reverse=True)] for id_, section in highest.items()}


def _make_images(
    rows: Sequence[ResultRow], folder: Path, images: ReportImages, stop: threading.Event
) -> list[list[str]]:
    """Addresses of the pictures of each row; empty if its picture cannot be shown.

    They are read in the order in which archives are best read, by one thread.
    """
    addresses: list[list[str]] = [[] for _ in rows]
    waiting: deque[tuple[int, Future[list[bytes]]]] = deque()

    def keep_first() -> None:
        position, made = waiting.popleft()
        for jpeg, suffix in zip(made.result(), ("", "-evidence"), strict=False):
            addresses[position].append(images.add(f"{rows[position].id}{suffix}", jpeg))

    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="cards")
    try:
        for position in sorted(range(len(rows)), key=lambda position: read_order(folder, rows[position].name)):
            _check(stop)
            if (data := read_judged_image(rows[position], folder)) is not None:
                waiting.append((position, pool.submit(make_thumbnails, rows[position], data)))
            if len(waiting) > _READ_AHEAD:
                keep_first()
        while waiting:
            keep_first()
    finally:
        pool.shutdown(cancel_futures=True)
    return addresses


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise ShutdownRequested


def _tiles(stats: RunStats) -> list[_Tile]:
    return [
        *(_Tile(band, title, stats.bands[band]) for band, title in BAND_TITLES.items()),
        *(_Tile(kind, title, stats.kinds[kind]) for kind, title in _OTHER_TITLES.items()),
    ]


def _measured(band: Band, manifest: Manifest | None) -> str:
    """Sentences on the shares of held-out lesions, malignant or pre-malignant and others, in this band."""
    text = ""
    for population in manifest.populations if manifest else ():
        kind, bands = format_population(population.name), population.bands
        if band is Band.HIGH:
            text += (
                f" On {kind} pictures {format_percent(bands.high_sensitivity)} of the malignant or pre-malignant"
                f" lesions fell here, and {format_percent(1 - bands.high_specificity)} of the others."
            )
        if band is Band.LOW:
            text += (
                f" On {kind} pictures {format_percent(1 - bands.low_sensitivity)} of the malignant or pre-malignant"
                " lesions fell here all the same."
            )
    return text


def _read_manifest(artefact: Path, stats: RunStats) -> Manifest | None:
    """The manifest of the model that gave all verdicts; None unless this machine has that very version."""
    try:
        manifest = Manifest.model_validate_json((artefact / MANIFEST_NAME).read_bytes())
    except (OSError, ValidationError):
        return None
    return manifest if set(stats.artefacts) == {manifest.title} else None
