"""Keeps a process registered, and runs the recovery sweep: each second, or more often if leases are short."""

from collections.abc import Callable
from typing import Final

import structlog

from shared.broker.publisher import TaskPublisher
from shared.config.settings import Settings
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from shared.service.periodic_thread import PeriodicThread

log = structlog.get_logger(__name__)

_INTERVAL_S: Final = 1.0

#: Heartbeats in the time of a lease. With fewer, one that is late would end the lease.
_HEARTBEATS_A_LEASE: Final = 3


class HeartbeatThread:
    """Sends heartbeats for `incarnation` in one thread and sweeps in another. Start it before the first claim.

    The messages that a sweep publishes can take longer than a lease, so the heartbeat does not wait for them.
    `images_per_second` returns the throughput of this process, from which the expected wait is estimated.
    """

    def __init__(
        self,
        ledger: Ledger,
        publisher: TaskPublisher,
        settings: Settings,
        *,
        incarnation: str,
        images_per_second: Callable[[], float] = lambda: 0,
    ) -> None:
        self._ledger = ledger
        self._publisher = publisher
        self._settings = settings
        self._incarnation = incarnation
        self._get_images_per_second = images_per_second
        interval_s = min(_INTERVAL_S, settings.lease_s / _HEARTBEATS_A_LEASE)
        self._threads = (
            PeriodicThread("heartbeat", self._send_heartbeat, interval_s=interval_s),
            PeriodicThread("recovery-sweep", self._sweep, interval_s=interval_s),
        )

    def start(self) -> None:
        """Send the first heartbeat, so that the lease exists before the first claim, and start the threads."""
        self._send_heartbeat()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop the threads. Jobs still in flight are recovered by the sweep of another process."""
        for thread in self._threads:
            thread.stop()
        for thread in self._threads:
            thread.join(2 * _INTERVAL_S)

    def _send_heartbeat(self) -> None:
        rate = self._get_images_per_second()
        self._ledger.run(
            transitions.heartbeat(self._incarnation, lease_s=self._settings.lease_s, images_per_second=rate)
        )

    def _sweep(self) -> None:
        swept = self._ledger.run(
            transitions.recovery_sweep(
                lease_s=self._settings.lease_s,
                grace_s=self._settings.dispatch_grace_s,
                limit=self._settings.sweep_limit,
            )
        )
        for id_ in swept.expired:
            log.warning("a job missed its deadline", job=id_)
        if swept.found:
            log.info("recovery sweep found jobs without a message, publishing", jobs=swept.found)
        self._publisher.publish(swept.pending)
