"""`make bench-suspects`: the time for 400 images that a killed worker held, compared with 400 others.

A worker that dies makes all images suspect that it held, and the next one decodes them in child processes. The times
run from the first result to the last, on one worker that has classified such images before, in turns. The last line is
a JSON object: `..._suspect_ratio` is the time for suspect images by that for others (the medians over the turns), for
images of 640x480 (`small`) and of 12 megapixels (`photo`); `..._others_s` and `..._suspects_s` are the times.
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

from redis import Redis
from rich.console import Console
from rich.table import Table

from benchmarks.harness.load_run import Load, LoadResult
from benchmarks.harness.testbed import Testbed
from samples.image_set import render_many
from shared.contract.names import Queue
from shared.ledger import admin
from shared.ledger.script_call import KEY_PREFIX

_TURNS: Final = 3
_SHARD: Final = 16
#: Number of images, and their size.
_KINDS: Final = {"small": (400, (640, 480)), "photo": (100, (4000, 3000))}


def main() -> None:
    """Measure and print a table. The last line is a JSON object."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    table = Table("images", "others s", "suspect s", "ratio")
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="melanoma-images-") as directory, Testbed() as testbed:
        for kind, (count, size) in _KINDS.items():
            folder = Path(directory) / kind
            render_many(folder, 8, size=size, seed=11)
            images = [path.read_bytes() for path in sorted(folder.iterdir())]
            # The first run starts the child processes.
            _run(testbed, images, count, suspect=True)
            seconds: dict[bool, list[float]] = {False: [], True: []}
            for _ in range(_TURNS):
                for suspect in seconds:
                    seconds[suspect].append(_run(testbed, images, count, suspect=suspect))
            others, suspects = (statistics.median(seconds[suspect]) for suspect in (False, True))
            table.add_row(f"{count} {kind}", f"{others:.1f}", f"{suspects:.1f}", f"{suspects / others:.2f}")
            figures |= {
                f"{kind}_suspect_ratio": round(suspects / others, 3),
                f"{kind}_others_s": round(others, 2),
                f"{kind}_suspects_s": round(suspects, 2),
            }
    Console().print(table)
    print(json.dumps(figures))


def _run(testbed: Testbed, images: list[bytes], count: int, *, suspect: bool) -> float:
    """Submit images to a paused queue, resume it, and return the seconds from the first result to the last."""
    testbed.ledger.run(admin.pause(Queue.BULK))
    submitted = threading.Event()
    result = LoadResult()

    def submit() -> None:
        nonlocal result
        load = Load(seconds=600, window=count + 1, shard=_SHARD, max_images=count)
        result = testbed.run_load(images, load, all_submitted=submitted)

    thread = threading.Thread(target=submit)
    thread.start()
    submitted.wait()
    with Redis.from_url(testbed.broker.url) as client:
        _wait_until_ready(client, count)
        if suspect:
            _make_suspect(client)
    testbed.ledger.run(admin.resume(Queue.BULK))
    thread.join()
    if result.lost or result.images != count:
        raise SystemExit(f"only {result.images} of {count} images have a result")
    finished = [start + s for start, s in zip(result.started_at_s, result.latencies_s, strict=True)]
    return max(finished) - min(finished)


def _wait_until_ready(client: Any, count: int) -> None:
    """Wait until all images are stored, and the messages that found the queue paused are gone."""
    while client.zcard(f"{KEY_PREFIX}ready:{Queue.BULK}") < count or client.llen(str(Queue.BULK)):
        time.sleep(0.05)


def _make_suspect(client: Any) -> None:
    """Do what the recovery sweep does with the jobs of a worker that died."""
    for id_ in client.zrange(f"{KEY_PREFIX}ready:{Queue.BULK}", 0, -1):
        client.hset(f"{KEY_PREFIX}job:{id_.decode()}", "suspect", 1)


if __name__ == "__main__":
    main()
