"""A service whose processes can be frozen, killed, disconnected, run out of space or get a wrong clock."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from local.embedded_valkey import EmbeddedValkey
from local.subprocesses import BackgroundProcess
from tests.system.faults.clock import SettableClock
from tests.system.faults.tcp_proxy import TcpProxy
from tests.system.support.chat import ChatStack
from tests.system.support.stack import Submission

#: The default is 5 s. Faults last six leases, as 30 s would with the default.
LEASE_S: Final = 2
FAULT_S: Final = 6 * LEASE_S


class _FaultyValkey(EmbeddedValkey):
    """A Valkey with a settable clock. It ignores SIGXFSZ, so that a full disk is an error and no signal."""

    def __init__(self, directory: Path, clock: SettableClock) -> None:
        super().__init__(directory, persistent=True)
        self._clock = clock

    def command(self) -> list[str]:
        variables = [f"{name}={value}" for name, value in self._clock.environment.items()]
        return ["sh", "-c", "trap '' XFSZ; exec env \"$@\"", "sh", *variables, *super().command()]


class FaultyStack:
    """One worker and one bot. Worker, bot and command each have a proxy to Redis; these and Redis have a clock each."""

    def __init__(self, home: Path, images: Sequence[bytes]) -> None:
        self.clocks = {name: SettableClock(home / f"{name}.clock") for name in ("redis", "worker", "bot", "command")}
        self.broker = _FaultyValkey(home / "valkey", self.clocks["redis"])
        self.chat = ChatStack(home, {"MELANOMA_LEASE_S": str(LEASE_S)}, broker=self.broker)
        self.proxies = {name: TcpProxy(self.broker.url) for name in ("worker", "bot", "command")}
        self.images = images

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.chat)
            for proxy in self.proxies.values():
                stack.enter_context(proxy)
            self.worker = self.chat.stack.start_worker(environment=self.environment("worker"))
            self.bot = self.chat.start_bot(**self.environment("bot"))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def environment(self, name: str) -> dict[str, str]:
        """Environment of a process with its own proxy and clock."""
        return {"REDIS_URL": self.proxies[name].url, **self.clocks[name].environment}

    def submit(self, folder: Path, *options: str) -> Submission:
        """Start the folder command behind its proxy."""
        self.submission = self.chat.stack.submit(folder, *options, **self.environment("command"))
        return self.submission

    def resume(self, submission: Submission, folder: Path) -> Submission:
        """Start the folder command again with --resume, behind its proxy."""
        return Submission(folder, submission.out, "--resume", environment=self.environment("command"))

    @property
    def append_only_file(self) -> Path:
        """The file that Redis appends to."""
        (file,) = (self.chat.stack.home / "valkey" / "appendonlydir").glob("*.incr.aof")
        return file

    @contextlib.contextmanager
    def bot_killed(self) -> Iterator[None]:
        """Kill the bot with SIGKILL now, and start another afterwards."""
        self.bot.kill()
        try:
            yield
        finally:
            self.bot = self.chat.start_bot(**self.environment("bot"))

    @contextlib.contextmanager
    def worker_killed(self) -> Iterator[None]:
        """Kill the worker with SIGKILL now, and start another afterwards."""
        self.worker.kill()
        try:
            yield
        finally:
            self.worker = self.chat.stack.start_worker(environment=self.environment("worker"))

    @contextlib.contextmanager
    def redis_killed(self) -> Iterator[None]:
        """Kill Redis with SIGKILL now, and restart it with its file afterwards."""
        self.broker.kill()
        try:
            yield
        finally:
            self.broker.start()

    @contextlib.contextmanager
    def command_frozen(self) -> Iterator[None]:
        """The folder command that was started last is frozen inside the context."""
        with frozen(self.submission.process):
            yield


@contextlib.contextmanager
def frozen(process: BackgroundProcess | EmbeddedValkey) -> Iterator[None]:
    """Send SIGSTOP now and SIGCONT afterwards."""
    pid = process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
