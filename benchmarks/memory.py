"""`make bench-long`: memory of worker and broker over 20,000 images. It must not grow."""

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.harness.load_run import Load
from benchmarks.harness.testbed import Testbed
from samples.image_set import render_many

_IMAGES: Final = 20_000
_ROUNDS: Final = 20
_DISTINCT_IMAGES: Final = 64
_LOAD: Final = Load(seconds=3600, window=256, shard=16, max_images=_IMAGES // _ROUNDS)


def main() -> None:
    """Measure and print a table. The last line is a JSON object."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="melanoma-images-") as directory, Testbed(persistent=True) as testbed:
        folder = Path(directory)
        render_many(folder, _DISTINCT_IMAGES, size=(640, 480), seed=13)
        images = [path.read_bytes() for path in sorted(folder.iterdir())]
        table = Table("images", "worker MB", "broker MB")
        readings: list[dict[str, int]] = []
        done = 0
        for _ in range(_ROUNDS):
            result = testbed.run_load(images, _LOAD)
            done += result.images
            readings.append(testbed.memory_bytes())
            table.add_row(str(done), *(f"{readings[-1][name] / 1e6:.0f}" for name in ("worker 0", "broker")))
    console.print(table)
    figures: dict[str, float] = {"pictures": done}
    for name, key in (("worker 0", "worker"), ("broker", "broker")):
        # Caches and pools fill during the first fifth, so it is left out.
        settled = [reading[name] for reading in readings[_ROUNDS // 5 :]]
        half = len(settled) // 2
        figures[f"{key}_growth"] = round(statistics.median(settled[half:]) / statistics.median(settled[:half]), 3)
        figures[f"{key}_mb"] = round(settled[-1] / 1e6)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
