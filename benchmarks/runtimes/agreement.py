"""`make agreement`: compares every installed runtime with the reference, and with its own float32."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# TensorFlow reads this when it is imported; level 2 hides its start-up messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from rich.console import Console
from rich.table import Table

from runtimes.base import FLOAT32
from samples.demo import render_samples
from shared.config.settings import settings
from shared.model.artefact import ArtefactError, Manifest, read_artefact
from training.data.image_cache import Pixels, decode_file
from training.data.sources import read_labelled_images
from training.errors import TrainingError
from training.evaluation.measures.runtime_agreement import compare_on_images, compare_runtimes, select_images
from training.evaluation.output import write_agreement
from training.evaluation.result import AgreementResult

_RENDERED: Final = 96


def main() -> None:
    """Measure and print a table. The last line is a JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runtimes.agreement", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the data, as for training; default: rendered images")
    parser.add_argument("--card", action="store_true", help="write the table into CARD.md and evaluation.json")
    parser.add_argument("--without-speed", action="store_true", help="leave out the speed, on a machine that is busy")
    options = parser.parse_args()
    console = Console(width=120)
    artefact = settings().artefact
    try:
        manifest = read_artefact(artefact)
        results = _measure(artefact, manifest, options.data, console)
        if options.without_speed:
            results = tuple(result.without_speed() for result in results)
        if options.card:
            write_agreement(results, artefact)
    except (ArtefactError, TrainingError) as error:
        sys.exit(f"Error: {error}")
    console.print(_make_table(results))
    # The ratio in which a precision differs from float32 in the same run.
    exact = {result.runtime: result for result in results if result.precision == FLOAT32}
    rows = [
        {
            **result.model_dump(),
            "speed_of_float32": _divide(result.pictures_per_second, exact[result.runtime].pictures_per_second),
        }
        for result in results
    ]
    print(json.dumps({"artefact": manifest.title, "data": str(options.data or "rendered"), "runtimes": rows}))


def _measure(artefact: Path, manifest: Manifest, data: Path | None, console: Console) -> tuple[AgreementResult, ...]:
    if data is not None:
        return compare_on_images(artefact, manifest, select_images(read_labelled_images(data)), console.print)
    with tempfile.TemporaryDirectory(prefix="melanoma-images-") as directory:
        paths = render_samples(Path(directory), _RENDERED)
        return compare_runtimes(artefact, manifest, _decode(paths, manifest), [None] * len(paths), console.print)


def _decode(paths: list[Path], manifest: Manifest) -> Iterator[Pixels]:
    return (decode_file(path, manifest.picture) for path in paths)


def _make_table(results: tuple[AgreementResult, ...]) -> Table:
    table = Table("runtime", "bands changed", "largest / mean", "distance", "evidence", "AUC", "img/s", "ratio")
    for result in results:
        table.add_row(
            f"{result.runtime} {result.device} {result.precision}",
            f"{result.band_changes} of {result.pictures}",
            f"{result.max_difference:.2g} / {result.mean_difference:.2g}",
            f"{result.max_distance_difference:.2g}",
            f"{result.max_evidence_difference:.2g}",
            "" if result.auc_change is None else f"{result.auc_change:+.5f}",
            "" if result.pictures_per_second is None else f"{result.pictures_per_second:.0f}",
            "" if result.speed_ratio is None else f"{result.speed_ratio:.2f}",
        )
    return table


def _divide(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other is not None else None


if __name__ == "__main__":
    main()
