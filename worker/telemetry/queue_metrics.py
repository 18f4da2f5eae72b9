"""The ledger's counts as metrics, asked for when Prometheus asks."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.ledger import transitions
from shared.ledger.ledger import Ledger


class QueueMetricsCollector(Collector):
    """Jobs by stage, the age of the oldest in each queue, and live processes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def describe(self) -> list[Metric]:
        """Nothing: registering must not need a Redis."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One atomic look at the ledger."""
        counts = self._ledger.run(transitions.get_counts())
        ready = GaugeMetricFamily("melanoma_ready", "Jobs that wait for a worker.", labels=["queue"])
        oldest = GaugeMetricFamily(
            "melanoma_oldest_ready_seconds", "Age of the job that waits longest.", labels=["queue"]
        )
        for queue, count in counts.queues.items():
            ready.add_metric([queue], count.ready)
            oldest.add_metric([queue], count.oldest_s)
        yield ready
        yield oldest
        yield GaugeMetricFamily("melanoma_claimed", "Jobs that workers hold.", value=counts.claimed)
        yield GaugeMetricFamily("melanoma_dead", "Dead letters that nobody has dropped.", value=counts.dead_letters)
        yield GaugeMetricFamily("melanoma_alive", "Live processes that keep a heartbeat.", value=counts.incarnations)
