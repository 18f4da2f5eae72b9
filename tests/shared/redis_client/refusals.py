"""Makes a real Valkey refuse commands for a while, in each way that ends by itself."""

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from local.embedded_valkey import EmbeddedValkey, free_port

End = Callable[[], None]


class RefusingValkey:
    """A Valkey and a client for its operator, who makes it refuse commands."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.server = EmbeddedValkey(directory / "server")

    def __enter__(self) -> "RefusingValkey":
        self.server.start()
        self.operator: Any = Redis.from_url(self.server.url)
        self.operator.ping()
        return self

    def __exit__(self, *_: object) -> None:
        self.operator.close()
        self.server.kill()

    @property
    def url(self) -> str:
        return self.server.url

    @contextlib.contextmanager
    def refuse(self, reason: str) -> Iterator[End]:
        """Refuse until the function is called that this yields, or the block ends."""
        ended: list[bool] = []

        def end() -> None:
            if not ended:
                ended.append(True)
                finish()

        finish = getattr(self, f"_{reason}")()
        try:
            yield end
        finally:
            end()

    def _noreplicas(self) -> End:
        self.operator.config_set("min-replicas-to-write", 1)
        return lambda: self.operator.config_set("min-replicas-to-write", 0)

    def _readonly(self) -> End:
        self.operator.replicaof("127.0.0.1", free_port())
        return lambda: self.operator.replicaof("NO", "ONE")

    def _masterdown(self) -> End:
        self.operator.config_set("replica-serve-stale-data", "no")
        self.operator.replicaof("127.0.0.1", free_port())

        def end() -> None:
            self.operator.replicaof("NO", "ONE")
            self.operator.config_set("replica-serve-stale-data", "yes")

        return end

    def _misconf(self) -> End:
        """Let a snapshot fail: its directory is missing."""
        shutil.rmtree(self.directory / "server", ignore_errors=True)
        self.operator.config_set("save", "100000 1")
        self.operator.bgsave()
        while self.operator.info("persistence")["rdb_last_bgsave_status"] == "ok":
            time.sleep(0.005)
        return lambda: self.operator.config_set("save", "")

    def _busy(self) -> End:
        self.operator.config_set("busy-reply-threshold", 1)
        script = threading.Thread(target=self._run_endless_script)
        script.start()
        while True:
            try:
                self.operator.ping()
            except RedisError:
                break

        def end() -> None:
            self.operator.script_kill()
            script.join()

        return end

    def _run_endless_script(self) -> None:
        with Redis.from_url(self.url, socket_timeout=None) as client, contextlib.suppress(RedisError):
            client.eval("while true do end", 0)

    def _max_clients(self) -> End:
        """Let no further client connect."""
        self.operator.config_set("maxclients", len(self.operator.client_list()))
        return lambda: self.operator.config_set("maxclients", 10000)


#: Refusals of every write.
WRITE_REFUSALS: Final = ("noreplicas", "readonly", "masterdown", "misconf", "busy")
