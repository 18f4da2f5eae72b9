"""Runs the folder command's runner in this process, with the fake worker."""

import io
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bulk.results.result_row import ResultRow
from bulk.results.results_file import read_results
from bulk.results.run_stats import RunStats
from bulk.run.output_directory import open_run
from bulk.run.progress import ProgressDisplay
from bulk.run.runner import FolderRunner, RunPlan
from shared.config.settings import Settings
from shared.contract.run_files import RESULTS
from shared.service.client import ServiceClient
from tests.bulk.fake_worker import FakeWorker


@dataclass
class Run:
    """A run of `folder` into `out` on the Redis at `url`."""

    url: str
    folder: Path
    out: Path
    recursive: bool = True
    #: How often the worker has decided each image, over all starts.
    decided: Counter[bytes] = field(default_factory=Counter)
    stats: RunStats = field(default_factory=RunStats)

    def start(self, *, retry: bool = False) -> dict[str, ResultRow]:
        """Start or resume the run, and return its rows by name."""
        self.out.mkdir(exist_ok=True)
        manifest = open_run(self.out, self.folder, recursive=self.recursive, resume=True)
        self.execute(RunPlan(manifest, self.out, window=8, shard=2, retry=retry))
        rows = [row for _, row in read_results(self.out / RESULTS)]
        assert len(rows) == len({row.name for row in rows})
        return {row.name: row for row in rows}

    def execute(self, plan: RunPlan) -> None:
        config, stop = Settings(REDIS_URL=self.url, _env_file=None), threading.Event()  # type: ignore[call-arg]
        display = ProgressDisplay(Console(file=io.StringIO()), total=5)
        self.stats = RunStats()
        with (
            ServiceClient(config, role="bulk", stop=stop) as service,
            FakeWorker(self.url) as worker,
        ):
            FolderRunner(plan, config, service, self.stats).run(display, stop)
        self.decided += worker.decided
