"""Connections of a process that submits images, with the heartbeat that keeps the process registered."""

import threading
from typing import Self

from shared.config.settings import Settings
from shared.ids import new_incarnation
from shared.service.connections import ServiceConnections
from shared.service.heartbeat import HeartbeatThread


class ServiceClient(ServiceConnections):
    """`ServiceConnections` of one incarnation. As a context manager it sends heartbeats and sweeps while it is open."""

    def __init__(self, config: Settings, *, role: str, stop: threading.Event) -> None:
        """Create the clients. `role` begins the name of the incarnation; for the rest see `ServiceConnections`."""
        super().__init__(config, stop=stop)
        self.incarnation = new_incarnation(role)
        self._heartbeat = HeartbeatThread(self.ledger, self.publisher, config, incarnation=self.incarnation)

    def __enter__(self) -> Self:
        """Wait until Redis is available and start to send heartbeats.

        Raises what `check` raises.
        """
        self.check(stores_images=True)
        self._heartbeat.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the heartbeat and close the connections."""
        self._heartbeat.stop()
        super().__exit__()
