"""One metrics endpoint for all worker processes: counters and histograms are added, also those of ended processes."""

from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from shared.config.settings import Settings


class SharedMetrics:
    """Serves what the processes write into `directory`, and the number of processes that take messages."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        self._registry = CollectorRegistry()
        # prometheus_client leaves these functions untyped.
        MultiProcessCollector(self._registry, path=str(directory))  # type: ignore[no-untyped-call]
        self._ready = Gauge("melanoma_worker_processes", "Worker processes that are ready.", registry=self._registry)

    def serve(self, config: Settings) -> None:
        """Start the server."""
        start_http_server(config.metrics_port, addr=config.metrics_host, registry=self._registry)

    def set_ready(self, processes: int) -> None:
        """Store how many processes are ready."""
        self._ready.set(processes)

    def forget(self, pid: int) -> None:
        """Drop the gauges of a process that has ended. What it counted stays."""
        mark_process_dead(pid, path=str(self.directory))  # type: ignore[no-untyped-call]
