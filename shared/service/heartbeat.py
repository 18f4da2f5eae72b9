"""Sends the heartbeat of a process and runs the recovery sweep, each second, or more often if leases are short."""

import threading
from collections.abc import Callable
from typing import Final

import structlog

from shared.broker.publisher import TaskPublisher
from shared.config.settings import Settings
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from shared.redis_client.retry import ShutdownRequested

log = structlog.get_logger(__name__)

_INTERVAL_S: Final = 1.0

#: Heartbeats in the time of a lease. With fewer, one that is late would end the lease.
_HEARTBEATS_A_LEASE: Final = 3


class HeartbeatThread:
    """Sends heartbeats for `incarnation` and sweeps, in a thread. Start it before the first claim.

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
        self._interval_s = min(_INTERVAL_S, settings.lease_s / _HEARTBEATS_A_LEASE)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Send the first heartbeat, so that the lease exists before the first claim, and start the thread."""
        self._send_heartbeat()
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread. Jobs still in flight are recovered by the sweep of another process."""
        self._stop.set()
        self._thread.join(timeout=2 * _INTERVAL_S)

    def _send_heartbeat(self) -> None:
        rate = self._get_images_per_second()
        self._ledger.run(
            transitions.heartbeat(self._incarnation, lease_s=self._settings.lease_s, images_per_second=rate)
        )

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            try:
                self._send_heartbeat()
                pending = self._ledger.run(
                    transitions.recovery_sweep(
                        lease_s=self._settings.lease_s,
                        grace_s=self._settings.dispatch_grace_s,
                        limit=self._settings.sweep_limit,
                    )
                )
                if pending:
                    log.info("recovery sweep found jobs without a message, publishing", jobs=len(pending))
                self._publisher.publish(pending)
            except ShutdownRequested:
                # The process waits for Redis no more, but while it finishes its work it needs its lease.
                continue
            except Exception:
                # The heartbeat must survive any error: without it the lease ends and all jobs in flight are requeued.
                log.exception("heartbeat or recovery sweep failed, retrying")
