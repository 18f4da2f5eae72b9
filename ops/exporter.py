"""`melanoma-ops exporter`: metrics of the ledger and the image store for Prometheus, read at each scrape."""

import signal
import threading
from collections.abc import Iterator
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ops.client import OpsError, open_admin_client
from ops.status import Status, read_status
from shared.config.settings import Settings, SettingsError
from shared.contract.decision import FailureReason
from shared.contract.names import BOT_ROLE, FOLDER_RUNS, TELEGRAM_PHOTOS, WORKER_ROLE

#: Kinds of outboxes whose metrics are always exported: users' answers, and folder runs.
_OUTBOXES: Final = (TELEGRAM_PHOTOS, FOLDER_RUNS)

#: Roles of processes whose metric is always exported.
_ROLES: Final = (WORKER_ROLE, BOT_ROLE)

#: Reasons why jobs become dead letters: they failed, or their answer could not be delivered.
_REASONS: Final = (*FailureReason, "undeliverable")


class LedgerCollector(Collector):
    """Collects jobs by stage and queue, ages, dead letters, processes and image bytes. No metric is about a user."""

    def __init__(self, config: Settings) -> None:
        self._config = config

    def describe(self) -> list[Metric]:
        """Describe no metrics, so that registering needs no Redis."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read the status once. If the ledger cannot be read, `melanoma_ledger_up` is the only metric."""
        try:
            with open_admin_client(self._config) as client:
                status = read_status(client)
        except (OpsError, SettingsError):
            yield _up_metric(0)
            return
        yield _up_metric(1)
        yield from _job_metrics(status)
        yield from _queue_metrics(status)
        yield _process_metric(status)
        yield _dead_letter_metric(status)
        yield _gauge("ledger_dead_letters", "Dead letters that are not dropped.", status.overview.dead_letters)
        yield _gauge("image_store_bytes", "Bytes of images in the image store.", status.image_bytes)
        yield _gauge("image_store_max_bytes", "Maximum bytes of images in the image store.", status.max_image_bytes)


def _up_metric(value: int) -> Metric:
    return _gauge("ledger_up", "1 if the ledger's Redis answers with a ledger of this release, else 0.", value)


def _job_metrics(status: Status) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("melanoma_ledger_jobs", "Jobs by stage.", labels=["stage"])
    for stage, count in status.overview.stages.items():
        jobs.add_metric([stage], count)
    yield jobs
    undelivered = GaugeMetricFamily(
        "melanoma_ledger_oldest_undelivered_decision_age_seconds",
        "Age of the oldest decision that is not delivered, by kind of outbox.",
        labels=["outbox"],
    )
    # Where nothing waits the metric must be 0, not absent.
    for kind, age_s in {**dict.fromkeys(_OUTBOXES, 0.0), **status.overview.undelivered_ages_s}.items():
        undelivered.add_metric([kind], age_s)
    yield undelivered


def _dead_letter_metric(status: Status) -> Metric:
    added = CounterMetricFamily(
        "melanoma_ledger_dead_letters_added", "Jobs that became dead letters.", labels=["outbox", "reason"]
    )
    counts = status.overview.dead_letter_counts
    # Exported as 0 from the start: Prometheus sees no increase from a series that did not exist.
    for outbox, reason in {**dict.fromkeys(product(_OUTBOXES, _REASONS)), **dict.fromkeys(counts)}:
        added.add_metric([outbox, reason], counts.get((outbox, reason), 0))
    return added


def _queue_metrics(status: Status) -> Iterator[Metric]:
    ready = GaugeMetricFamily("melanoma_ledger_ready_jobs", "Jobs that wait for a worker.", labels=["queue"])
    oldest = GaugeMetricFamily(
        "melanoma_ledger_oldest_ready_job_age_seconds",
        "Age of the oldest job that waits for a worker.",
        labels=["queue"],
    )
    paused = GaugeMetricFamily("melanoma_ledger_queue_paused", "1 if the queue is paused, else 0.", labels=["queue"])
    for queue, state in status.overview.queues.items():
        ready.add_metric([queue], state.ready)
        oldest.add_metric([queue], state.oldest_s)
        paused.add_metric([queue], float(state.paused_s is not None))
    yield from (ready, oldest, paused)


def _process_metric(status: Status) -> Metric:
    processes = GaugeMetricFamily("melanoma_ledger_processes", "Live processes by role.", labels=["role"])
    roles = [process.role for process in status.overview.processes]
    # Without a live worker or bot the metric must be 0, not absent.
    for role in {*_ROLES, *roles}:
        processes.add_metric([role], roles.count(role))
    return processes


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"melanoma_{name}", documentation, value=value)


def serve_metrics(config: Settings, host: str, port: int) -> None:
    """Serve /metrics at `host`:`port` until SIGTERM or SIGINT. Raises `OpsError` if the address is taken."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    registry = CollectorRegistry()
    registry.register(LedgerCollector(config))
    try:
        start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise OpsError(f"cannot listen on {host}:{port} ({error.strerror}): choose another --port.") from error
    stopped.wait()
