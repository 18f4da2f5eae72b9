"""A Valkey with further options on its command line."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from redis import Redis

from local.embedded_valkey import EmbeddedValkey, free_port


class ValkeyWithOptions(EmbeddedValkey):
    """An embedded Valkey; `_` in the name of an option stands for `-`."""

    def __init__(self, directory: Path, *, password: str = "", **options: str) -> None:
        super().__init__(directory, password=password)
        self._options = options

    def command(self) -> list[str]:
        parts: list[Any] = [(f"--{name.replace('_', '-')}", value) for name, value in self._options.items()]
        return [*super().command(), *(part for option in parts for part in option)]


@contextlib.contextmanager
def cluster_node(directory: Path) -> Iterator[str]:
    """URL of the only node of a Redis Cluster."""
    options = {"cluster_enabled": "yes", "cluster_port": str(free_port())}
    with ValkeyWithOptions(directory, **options) as server, Redis.from_url(server.url) as operator:
        operator.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        cluster: Any = operator.cluster
        while cluster("INFO")["cluster_state"] != "ok":
            time.sleep(0.02)
        yield server.url
