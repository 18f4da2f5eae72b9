"""`report.html`: one page that needs nothing but itself. The highest probabilities come first."""

import heapq
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from bulk import filenames
from bulk.rejections import describe
from bulk.report import formatting
from bulk.report.templating import Markup, join, render, source
from bulk.report.thumbnails import thumbnails
from bulk.results.results_file import Row, read_results, row_at
from bulk.run.stats import RunStats
from shared.contract.decision import Band
from shared.model.artefact import MANIFEST_NAME, Manifest
from shared.redis_client.retry import ShutdownRequested

#: Most cards of each kind: a page with more would take a phone's memory.
MOST_VERDICTS: Final = 500
MOST_OTHERS: Final = 100
# Each may hold a picture of 50 million pixels.
_THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class Source:
    """Where the report's content lies: the folder, the results, and the directory of the served artefact."""

    folder: Path
    results: Path
    artefact: Path


def write_report(path: Path, source_: Source, tally: RunStats, *, note: str = "", stop: threading.Event) -> None:
    """Write the page to `path`, whole or not at all.

    Raises `OSError`, and `shared.redis_client.retry.Stopped` once `stop` is set.
    """
    temporary = path.with_suffix(".html.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        for part in _page(source_, tally, note):
            if stop.is_set():
                raise ShutdownRequested
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _page(source_: Source, tally: RunStats, note: str) -> Iterator[Markup]:
    manifest = _manifest(source_.artefact, tally)
    folder = filenames.visible(source_.folder.name or str(source_.folder))
    yield render(
        "head.html",
        css=Markup(source("report.css")),
        folder=folder,
        written=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
        counts=_counts(tally),
        note=render("note.html", note=filenames.visible(note)) if note else Markup(),
        bands=_bands(manifest),
    )
    verdicts, refusals, failures = _chosen(source_.results)
    yield from _section("Verdicts", verdicts, tally.kinds["verdict"], source_, "the highest probabilities")
    yield from _section("Refused", refusals, tally.kinds["refusal"], source_, "the first")
    yield from _section("Failed", failures, tally.kinds["failure"], source_, "the first")
    yield render("tail.html", artefact=_artefact(tally), licence=manifest.licence if manifest else "see its model.json")


def _chosen(results: Path) -> tuple[list[int], list[int], list[int]]:
    """Byte offsets of the lines that get a card. Only as many as that are in memory."""
    others: dict[str, list[int]] = {"refusal": [], "failure": []}

    def verdicts() -> Iterator[tuple[float, int]]:
        for offset, row in read_results(results):
            if row["kind"] == "verdict":
                yield row["probability"], -offset
            elif len(others[row["kind"]]) < MOST_OTHERS:
                others[row["kind"]].append(offset)

    highest = heapq.nlargest(MOST_VERDICTS, verdicts())
    return [-offset for _, offset in highest], others["refusal"], others["failure"]


def _section(title: str, offsets: list[int], total: int, source_: Source, which: str) -> Iterator[Markup]:
    if not offsets:
        return
    rest = f"{which} {len(offsets)} of {total}; results.csv has all of them" if total > len(offsets) else ""
    yield render("section.html", title=title, total=total, rest=rest)
    yield from _cards(offsets, source_)
    yield Markup("</div></section>\n")


def _cards(offsets: Iterable[int], source_: Source) -> Iterator[Markup]:
    def card(offset: int) -> Markup:
        row = row_at(source_.results, offset)
        name = filenames.from_fields(row)
        return _card(row, filenames.visible(name), thumbnails(row, source_.folder / name))

    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="cards")
    try:
        yield from pool.map(card, offsets)
    finally:
        pool.shutdown(cancel_futures=True)


def _card(row: Row, name: str, images: list[str]) -> Markup:
    if row["kind"] == "verdict":
        text = render(
            "verdict.html",
            band=row["band"],
            title=formatting.BAND_TITLES[row["band"]],
            probability=formatting.percent(row["probability"]),
            meaning=formatting.meaning(row),
            probability_title=formatting.probability_title(row),
            receipt=formatting.receipt_long(row),
        )
    else:
        text = render(
            "other.html",
            kind=row["kind"],
            title="Refused" if row["kind"] == "refusal" else "Failed",
            sentence=describe(row["kind"], row["reason"]),
        )
    problems = formatting.advice(row)
    return render(
        "card.html",
        kind=row.get("band", row["kind"]),
        pictures=_images(images, name, row["kind"]),
        text=text,
        problems=render("problems.html", problems=problems) if problems else Markup(),
        name=name,
        seconds=formatting.duration(row["seconds"]) if row["seconds"] else "not submitted",
    )


def _images(images: list[str], name: str, kind: str) -> Markup:
    if not images:
        return render("nopicture.html", text="The picture cannot be shown" if kind == "verdict" else "No picture")
    captions = ("as sent", "evidence for malignancy")
    shown = [
        render("picture.html", uri=uri, alt=f"{name}, {caption}", caption=caption)
        for uri, caption in zip(images, captions, strict=False)
    ]
    return Markup(f'<div class="pictures n{len(shown)}">{join(shown)}</div>')


def _counts(tally: RunStats) -> Markup:
    shown = [
        (band.value, formatting.BAND_TITLES[band], tally.bands[band])
        for band in (Band.HIGH, Band.ELEVATED, Band.LOW, Band.UNCERTAIN)
    ]
    shown += [("refusal", "Refused", tally.kinds["refusal"]), ("failure", "Failed", tally.kinds["failure"])]
    return join(
        [
            render("count.html", kind=kind, zero="" if number else " zero", title=title, number=f"{number:,}")
            for kind, title, number in shown
        ]
    )


def _bands(manifest: Manifest | None) -> Markup:
    measured = {population.name: population.bands for population in manifest.populations} if manifest else {}
    shown = []
    for band in (Band.HIGH, Band.ELEVATED, Band.LOW, Band.UNCERTAIN):
        figures = ""
        for name, bands in measured.items():
            kind = formatting.population(name)
            if band is Band.HIGH:
                figures += (
                    f" On {kind} pictures {formatting.percent(bands.high_sensitivity)} of the malignant lesions fell"
                    f" here, and {formatting.percent(1 - bands.high_specificity)} of the benign ones."
                )
            if band is Band.LOW:
                figures += (
                    f" On {kind} pictures {formatting.percent(1 - bands.low_sensitivity)} of the malignant lesions fell"
                    " here all the same."
                )
        shown.append(
            render(
                "band.html",
                band=band.value,
                title=formatting.BAND_TITLES[band],
                meaning=formatting.BAND_MEANINGS[band] + figures,
            )
        )
    return join(shown)


def _artefact(tally: RunStats) -> str:
    return ", ".join(sorted(tally.artefacts)) or "none"


def _manifest(artefact: Path, tally: RunStats) -> Manifest | None:
    """The manifest of the model that judged, if this machine has it: only that of the very same version."""
    try:
        manifest = Manifest.model_validate_json((artefact / MANIFEST_NAME).read_bytes())
    except (OSError, ValidationError):
        return None
    return manifest if set(tally.artefacts) == {manifest.title} else None
