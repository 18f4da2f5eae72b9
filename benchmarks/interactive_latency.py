"""`make bench-urgent`: what a person in a chat notices of 5,000 bulk pictures that came first."""

import json
import statistics
import tempfile
import threading
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.harness.testbed import LoadResult, Testbed
from samples.many import render_many
from shared.contract.names import Queue
from shared.ledger import transitions

_PEOPLE_PICTURES: Final = 64
_BULK: Final = 5000
_SHARD: Final = 16
_ASKED: Final = 100


def main() -> None:
    """Measure, print a table, and one JSON object as the last line."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="melanoma-pictures-") as place, Testbed() as stand:
        folder = Path(place)
        render_many(folder, _PEOPLE_PICTURES, size=(640, 480), seed=11)
        images = [path.read_bytes() for path in sorted(folder.iterdir())]
        _ask(stand, images, 20)
        idle = _ask(stand, images, _ASKED)
        bulk = LoadResult()
        all_there, enough = threading.Event(), threading.Event()

        def flood() -> None:
            nonlocal bulk
            bulk = stand.load(
                images, seconds=600, window=_BULK, shard=_SHARD, most=_BULK, all_begun=all_there, stop=enough
            )

        flooding = threading.Thread(target=flood)
        flooding.start()
        all_there.wait()
        asked = _ask(stand, images, _ASKED)
        left = stand.ledger.run(transitions.get_counts()).queues[Queue.BULK].ready
        enough.set()
        flooding.join()
    largest = max(bulk.predict_s)
    batch_s = statistics.median(bulk.predict_s[largest])
    bound = 2 * _p99(idle) + batch_s
    table = Table("", "p50 ms", "p99 ms")
    for name, load in (("idle", idle), (f"under {_BULK} bulk pictures", asked)):
        table.add_row(name, f"{statistics.median(load.latencies) * 1000:.0f}", f"{_p99(load) * 1000:.0f}")
    console.print(table)
    console.print(f"largest bulk batch: {largest} pictures in {batch_s * 1000:.0f} ms; {left} bulk pictures were left")
    figures = {
        "idle_p99_ms": round(_p99(idle) * 1000, 1),
        "urgent_p99_ms": round(_p99(asked) * 1000, 1),
        "bound_ms": round(bound * 1000, 1),
        "urgent_of_bound": round(_p99(asked) / bound, 3),
        "bulk_left": left,
    }
    print(json.dumps(figures))


def _ask(stand: Testbed, images: list[bytes], times: int) -> LoadResult:
    return stand.load(images, seconds=600, window=1, shard=1, queue=Queue.INTERACTIVE, most=times)


def _p99(load: LoadResult) -> float:
    return statistics.quantiles(load.latencies, n=100)[98]


if __name__ == "__main__":
    main()
