"""`melanoma-ops exporter`: the ledger in Prometheus' terms, asked for when Prometheus asks."""

import threading
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ops.client import open_admin_client
from ops.errors import OpsError
from ops.status import Status, look
from shared.config.settings import Settings
from shared.service.connections import LedgerVersionError


class LedgerCollector(Collector):
    """Jobs by stage and queue, ages, dead letters, live processes, bytes of pictures. Nothing of a person."""

    def __init__(self, config: Settings) -> None:
        self._config = config

    def describe(self) -> list[Metric]:
        """Nothing: registering must not need a Redis."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One look. Where Redis is away only `melanoma_ledger_up` says something."""
        try:
            with open_admin_client(self._config) as connected:
                status = look(connected)
        except (OpsError, LedgerVersionError):
            yield _gauge("ledger_up", "1 where the ledger's Redis answers.", 0)
            return
        yield _gauge("ledger_up", "1 where the ledger's Redis answers.", 1)
        yield from _jobs(status)
        yield from _queues(status)
        alive = GaugeMetricFamily("melanoma_ledger_processes", "Live processes.", labels=["role"])
        roles = [one.role for one in status.survey.processes]
        # A worker that is missing must show as 0, not as nothing.
        for role in {"worker", *roles}:
            alive.add_metric([role], roles.count(role))
        yield alive
        yield _gauge("ledger_dead_letters", "Dead letters that nobody has dropped.", status.survey.dead_letters)
        yield _gauge("store_bytes", "Bytes of pictures in the store.", status.stored)
        yield _gauge("store_budget_bytes", "Most bytes of pictures in the store.", status.budget)


def _jobs(status: Status) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("melanoma_ledger_jobs", "Jobs by stage.", labels=["stage"])
    for stage, count in status.survey.stages.items():
        jobs.add_metric([stage], count)
    yield jobs
    yield _gauge(
        "ledger_oldest_undelivered_seconds",
        "Age of the decision that waits longest for its delivery.",
        status.survey.oldest_undelivered_s,
    )


def _queues(status: Status) -> Iterator[Metric]:
    ready = GaugeMetricFamily("melanoma_ledger_ready", "Jobs that wait for a worker.", labels=["queue"])
    oldest = GaugeMetricFamily(
        "melanoma_ledger_oldest_ready_seconds", "Age of the job that waits longest.", labels=["queue"]
    )
    paused = GaugeMetricFamily("melanoma_ledger_paused", "1 where an operator paused the queue.", labels=["queue"])
    for queue, state in status.survey.queues.items():
        ready.add_metric([queue], state.ready)
        oldest.add_metric([queue], state.oldest_s)
        paused.add_metric([queue], float(state.paused_s is not None))
    yield from (ready, oldest, paused)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"melanoma_{name}", text, value=value)


def export(config: Settings, host: str, port: int) -> None:
    """Serve /metrics at `host`:`port` until the process ends. Raises `OpsError` for an address that is taken."""
    registry = CollectorRegistry()
    registry.register(LedgerCollector(config))
    try:
        start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise OpsError(f"{host}:{port} cannot be listened on ({error.strerror}): choose another --port.") from error
    threading.Event().wait()
