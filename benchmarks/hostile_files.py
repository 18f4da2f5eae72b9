"""`make bench-hostile`: latency of interactive images beside a folder of 500 hostile files.

Of the files, 54 are sound images just below the limit of pixels, and the others are refused. They are mixed, and all of
them wait from the beginning. Interactive images are sent one after the other while they are decoded. The last line is a
JSON object: `p99_ratio` is the 99th percentile beside the folder by that of the idle service (it should stay below 3),
and `p50_ratio` the same of the medians. `interactive` counts the images beside the folder, `hostile_left` how many
hostile files were undecided after them (0 would mean that some images had no company), `hostile_results` the number of
hostile files with a result, and `lost` counts files and images without one.
"""

import argparse
import json
import random
import statistics
import tempfile
import threading
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.harness.load_run import Load, LoadResult
from benchmarks.harness.testbed import Testbed
from samples.image_set import render_many
from shared.contract.names import Queue
from shared.ledger import transitions
from tests.shared.images.bombs import make_expensive_files, make_refused_bombs

_WARM_UP_REQUESTS: Final = 20
_REQUESTS: Final = 200
_SHARD: Final = 16


def main() -> None:
    """Measure and print a table. The last line is a JSON object."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    hostile = [data for _, data in [*make_expensive_files(), *make_refused_bombs()]]
    random.Random(1).shuffle(hostile)
    with tempfile.TemporaryDirectory(prefix="melanoma-images-") as directory, Testbed() as testbed:
        render_many(Path(directory), 64, size=(640, 480), seed=11)
        images = [path.read_bytes() for path in sorted(Path(directory).iterdir())]
        testbed.run_interactive(images, _WARM_UP_REQUESTS)
        idle = testbed.run_interactive(images, _REQUESTS)
        bulk = LoadResult()
        all_submitted = threading.Event()

        def submit_hostile() -> None:
            nonlocal bulk
            load = Load(seconds=600, window=len(hostile) + 1, shard=_SHARD, max_images=len(hostile))
            bulk = testbed.run_load(hostile, load, all_submitted=all_submitted)

        thread = threading.Thread(target=submit_hostile)
        thread.start()
        all_submitted.wait()
        beside = testbed.run_interactive(images, _REQUESTS)
        counts = testbed.ledger.run(transitions.get_counts())
        left = counts.queues[Queue.BULK].ready + counts.claimed
        thread.join()
    table = Table("", "p50 ms", "p99 ms")
    for name, load in (("idle", idle), ("beside hostile files", beside)):
        table.add_row(name, f"{statistics.median(load.latencies_s) * 1000:.0f}", f"{load.p99_s * 1000:.0f}")
    Console().print(table)
    figures = {
        "idle_p99_ms": round(idle.p99_s * 1000, 1),
        "beside_p99_ms": round(beside.p99_s * 1000, 1),
        "p99_ratio": round(beside.p99_s / idle.p99_s, 2),
        "p50_ratio": round(statistics.median(beside.latencies_s) / statistics.median(idle.latencies_s), 2),
        "interactive": len(beside.latencies_s),
        "hostile_left": left,
        "hostile_results": bulk.images,
        "lost": bulk.lost + beside.lost + idle.lost,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
