"""A client in a process of its own: submits the images of a folder through REDIS_URL and waits for their results.

One client cannot feed a GPU, since one Python process submits at most about 2,000 images a second.
"""

import os
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.harness.load_run import Load, LoadRun
from benchmarks.harness.request_process import serve
from shared.config.settings import settings
from shared.service.connections import ServiceConnections


class _Client:
    """Runs load after load."""

    def __init__(self, folder: Path, connections: ServiceConnections) -> None:
        self._images = [path.read_bytes() for path in sorted(folder.iterdir())]
        self._connections = connections
        self._count = 0

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the `Load` whose fields `request` has."""
        self._count += 1
        # Other clients and other runs have other outboxes.
        run = LoadRun(self._images, Load(**request), f"{os.getpid()}-{self._count}")
        result = run.execute(self._connections, settings())
        return {
            "images_per_s": result.images_per_s,
            "images": result.images,
            "mean_batch": statistics.mean(result.batch_sizes) if result.batch_sizes else 0,
            "lost": result.lost,
            "no_verdict": len(result.non_verdict_kinds),
        }


if __name__ == "__main__":
    with ServiceConnections(settings()) as opened:
        serve(sys.argv[1], _Client(Path(sys.argv[2]), opened).answer)
