"""What every process does each second: say that it lives, and sweep the ledger for those that do not."""

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


class MaintenanceThread:
    """A thread that beats for `incarnation` and sweeps. `start` before the first claim, `stop` at the end.

    `speed` says how many pictures a second this process can decide, for what people are told of their wait.
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
        self._speed = images_per_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Beat once, so that no claim is older than its holder's first heartbeat, and go on in a thread."""
        self._send_heartbeat()
        self._thread.start()

    def stop(self) -> None:
        """Stop beating. What is still held comes back by another process' sweep."""
        self._stop.set()
        self._thread.join(timeout=2 * _INTERVAL_S)

    def _send_heartbeat(self) -> None:
        self._ledger.run(
            transitions.heartbeat(self._incarnation, lease_s=self._settings.lease_s, images_per_second=self._speed())
        )

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL_S):
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
                    log.info("swept", jobs=len(pending))
                self._publisher.publish(pending)
            except ShutdownRequested:
                return
            except Exception:
                # The heartbeat must outlive whatever goes wrong here: without it all that we hold is taken away.
                log.exception("keeping failed, trying again")
