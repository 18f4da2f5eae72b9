"""`make bench-start`: seconds from the start of a worker until it takes messages, and its memory then.

The last line is a JSON object: the median of the seconds, those of CPU time, and the memory in MiB.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil

from local.embedded_valkey import EmbeddedValkey
from local.worker_processes import start_worker, wait_until_ready

_STARTS: Final = 5
_MIB: Final = 2**20


def main() -> None:
    """Measure. The last line is a JSON object."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    seconds, cpu_s, memory = [], [], []
    with tempfile.TemporaryDirectory(prefix="melanoma-bench-") as directory:
        home = Path(directory)
        with EmbeddedValkey(home / "valkey") as broker:
            for number in range(_STARTS):
                started = time.monotonic()
                with start_worker(home / f"worker-{number}.log", {"REDIS_URL": broker.url}) as worker:
                    wait_until_ready(worker)
                    seconds.append(time.monotonic() - started)
                    process = psutil.Process(worker.pid)
                    times = process.cpu_times()
                    cpu_s.append(times.user + times.system)
                    memory.append(process.memory_info().rss / _MIB)
    figures = {
        "start_s": round(statistics.median(seconds), 2),
        "start_cpu_s": round(statistics.median(cpu_s), 2),
        "memory_mib": round(statistics.median(memory)),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
