"""A house whose parts can be frozen, cut off, filled and misdated one by one."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from local.embedded_valkey import EmbeddedValkey
from local.subprocesses import BackgroundProcess
from tests.system.chat import ChatStack
from tests.system.faults.clock import SettableClock
from tests.system.faults.tcp_proxy import TcpProxy
from tests.system.stack import Submission

#: The default is 5 s. Everything that freezes or is cut off here is so for six times as long, as 30 s would be.
LEASE_S: Final = 2
FAULT_S: Final = 6 * LEASE_S


class _FaultyValkey(EmbeddedValkey):
    """A Valkey with a clock of its own, that takes a full disk for an error and not for a signal."""

    def __init__(self, directory: Path, clock: SettableClock) -> None:
        super().__init__(directory, persistent=True)
        self._clock = clock

    def command(self) -> list[str]:
        under = [f"{name}={value}" for name, value in self._clock.environment.items()]
        return ["sh", "-c", "trap '' XFSZ; exec env \"$@\"", "sh", *under, *super().command()]


class FaultyStack:
    """One worker and one bot; `links` to Redis are those of worker, bot and command, `clocks` theirs and Redis'."""

    def __init__(self, home: Path, images: Sequence[bytes]) -> None:
        self.clocks = {name: SettableClock(home / f"{name}.clock") for name in ("redis", "worker", "bot", "command")}
        self.broker = _FaultyValkey(home / "valkey", self.clocks["redis"])
        self.chat = ChatStack(home, {"MELANOMA_LEASE_S": str(LEASE_S)}, broker=self.broker)
        self.proxies = {name: TcpProxy(self.broker.url) for name in ("worker", "bot", "command")}
        self.images = images

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.chat)
            for link in self.proxies.values():
                stack.enter_context(link)
            self.worker = self.chat.stack.start_worker(environment=self.environment("worker"))
            self.bot = self.chat.start_bot(**self.environment("bot"))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def environment(self, name: str) -> dict[str, str]:
        """Its own wire to Redis, and its own clock."""
        return {"REDIS_URL": self.proxies[name].url, **self.clocks[name].environment}

    def submit(self, folder: Path, *options: str) -> Submission:
        """The folder command, on its own wire."""
        self.submission = self.chat.stack.submit(folder, *options, **self.environment("command"))
        return self.submission

    def resume(self, submission: Submission, folder: Path) -> Submission:
        """The command once more, on its own wire."""
        return Submission(folder, submission.out, "--resume", environment=self.environment("command"))

    @property
    def append_only_file(self) -> Path:
        """What Redis writes to."""
        (file,) = (self.chat.stack.home / "valkey" / "appendonlydir").glob("*.incr.aof")
        return file

    @contextlib.contextmanager
    def bot_killed(self) -> Iterator[None]:
        """SIGKILL now, and another bot afterwards."""
        self.bot.kill()
        yield
        self.bot = self.chat.start_bot(**self.environment("bot"))

    @contextlib.contextmanager
    def redis_killed(self) -> Iterator[None]:
        """SIGKILL now, and started again on its file afterwards."""
        self.broker.kill()
        yield
        self.broker.start()

    @contextlib.contextmanager
    def redis_at_memory_limit(self) -> Iterator[None]:
        """No memory for anything new."""
        self.chat.stack.client.config_set("maxmemory", 1)
        yield
        self.chat.stack.client.config_set("maxmemory", 0)

    @contextlib.contextmanager
    def command_frozen(self) -> Iterator[None]:
        """The folder command that was started last stands still."""
        with frozen(self.submission.process):
            yield


@contextlib.contextmanager
def frozen(process: BackgroundProcess | EmbeddedValkey) -> Iterator[None]:
    """SIGSTOP now and SIGCONT afterwards."""
    pid = process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)
