"""`make bench-interactive`: latency of interactive images while 5,000 bulk images are queued before them."""

import argparse
import json
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

_INTERACTIVE_IMAGES: Final = 64
_BULK_IMAGES: Final = 5000
_SHARD: Final = 16
_REQUESTS: Final = 100


def main() -> None:
    """Measure and print a table. The last line is a JSON object."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="melanoma-images-") as directory, Testbed() as testbed:
        folder = Path(directory)
        render_many(folder, _INTERACTIVE_IMAGES, size=(640, 480), seed=11)
        images = [path.read_bytes() for path in sorted(folder.iterdir())]
        testbed.run_interactive(images, 20)
        idle = testbed.run_interactive(images, _REQUESTS)
        bulk = LoadResult()
        all_submitted, stop = threading.Event(), threading.Event()

        def submit_bulk() -> None:
            nonlocal bulk
            bulk = testbed.run_load(
                images,
                Load(seconds=600, window=_BULK_IMAGES, shard=_SHARD, max_images=_BULK_IMAGES),
                all_submitted=all_submitted,
                stop=stop,
            )

        bulk_thread = threading.Thread(target=submit_bulk)
        bulk_thread.start()
        all_submitted.wait()
        interactive = testbed.run_interactive(images, _REQUESTS)
        bulk_left = testbed.ledger.run(transitions.get_counts()).queues[Queue.BULK].ready
        stop.set()
        bulk_thread.join()
    largest = max(bulk.predict_s)
    batch_s = statistics.median(bulk.predict_s[largest])
    bound = 2 * idle.p99_s + batch_s
    table = Table("", "p50 ms", "p99 ms")
    for name, load in (("idle", idle), (f"with {_BULK_IMAGES} bulk images queued", interactive)):
        table.add_row(name, f"{statistics.median(load.latencies_s) * 1000:.0f}", f"{load.p99_s * 1000:.0f}")
    console.print(table)
    console.print(
        f"largest bulk batch: {largest} images in {batch_s * 1000:.0f} ms; {bulk_left} bulk images were still queued"
    )
    figures = {
        "idle_p99_ms": round(idle.p99_s * 1000, 1),
        "interactive_p99_ms": round(interactive.p99_s * 1000, 1),
        "bound_ms": round(bound * 1000, 1),
        "interactive_of_bound": round(interactive.p99_s / bound, 3),
        "bulk_left": bulk_left,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
