"""`make bench-backlog`: what one photograph costs Redis while 200,000 others wait, and while 1,000 wait.

Photographs go through the ledger's calls one by one, from received to answered. Two Redis take turns, so that what else
the machine does reaches both. The last line is a JSON object: `cost_ratio` is the CPU time of Redis for a photograph
while 200,000 wait, by that while 1,000 wait (medians over the turns; it should stay below 1.5), `redis_us_few` and
`redis_us_many` are these times in microseconds, `wall_ratio` compares the times that the caller waits, `bytes_per_job`
is the memory of Redis for a waiting photograph, and `answered` counts the photographs that went through.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from redis import Redis
from rich.console import Console
from rich.table import Table

from local.embedded_valkey import EmbeddedValkey
from shared.contract.decision import Refusal, RefusalReason
from shared.contract.names import Queue, Stage
from shared.ids import new_token
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import NewJob, TaskMessage
from shared.redis_client.retry import RedisRetry

_FEW: Final = 1_000
_MANY: Final = 200_000
_TURNS: Final = 7
_PHOTOS: Final = 400
_PHOTOS_PER_S: Final = 100

_WORKER: Final = "worker-1"
_BOT: Final = "bot-1"
_OUTBOX: Final = "telegram"
#: As long as what the bot stores with a photograph.
_PAYLOAD: Final = json.dumps({"chat_id": 10**9, "message_id": 10**5, "user_id": 10**9, "file_id": "F" * 80})
_DECISION: Final = Refusal(reason=RefusalReason.NOT_A_LESION)
_DEADLINE_S: Final = 3600.0
#: Jobs that are created with one call to build up the backlog.
_CHUNK: Final = 1_000


@dataclass(slots=True)
class Backlog:
    """A ledger in which photographs wait, and what others cost meanwhile: seconds of Redis' CPU and of the caller."""

    ledger: Ledger
    client: Any
    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    answered: int = 0

    def fill(self, count: int) -> None:
        """Let `count` photographs wait for a worker."""
        ids = iter(f"{number:032x}" for number in range(count))
        while chunk := list(islice(ids, _CHUNK)):
            self._open(chunk, stored=True)

    def run_turn(self) -> None:
        """Take photographs through all stages, and measure."""
        cpu_before, started = self._cpu_s(), time.perf_counter()
        for number in range(_PHOTOS):
            self._classify(new_token())
            # Each process does both once a second, and a core classifies about this many.
            if number % _PHOTOS_PER_S == 0:
                self.ledger.run(transitions.heartbeat(_WORKER, lease_s=60))
                self.ledger.run(transitions.recovery_sweep(lease_s=60, grace_s=60, limit=100))
        self.wall_s.append((time.perf_counter() - started) / _PHOTOS)
        self.cpu_s.append((self._cpu_s() - cpu_before) / _PHOTOS)

    def used_bytes(self) -> int:
        """Memory of the data in Redis."""
        return int(self.client.info("memory")["used_memory_dataset"])

    def _classify(self, id_: str) -> None:
        run = self.ledger.run
        self._open([id_], stored=False)
        run(transitions.lease(Stage.RECEIVED, outbox=_OUTBOX, limit=8, incarnation=_BOT))
        run(transitions.mark_ready([id_]))
        message = TaskMessage(new_token(), Queue.INTERACTIVE, [id_])
        run(transitions.claim([message], incarnation=_WORKER, max_jobs=0))
        run(transitions.decide([(id_, _DECISION)]))
        run(transitions.lease(Stage.DECIDED, outbox=_OUTBOX, limit=8, incarnation=_BOT))
        self.answered += run(transitions.complete([id_], retention_s=0))

    def _open(self, ids: list[str], *, stored: bool) -> None:
        jobs = [NewJob(id_, _PAYLOAD) for id_ in ids]
        self.ledger.run(
            transitions.create_jobs(
                jobs, queue=Queue.INTERACTIVE, outbox=_OUTBOX, language="en", deadline_s=_DEADLINE_S, stored=stored
            )
        )

    def _cpu_s(self) -> float:
        used = self.client.info("cpu")
        return float(used["used_cpu_user"] + used["used_cpu_sys"])


def main() -> None:
    """Measure and print a table. The last line is a JSON object."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="melanoma-backlog-") as home, ExitStack() as stack:
        few, many = (stack.enter_context(_open_backlog(Path(home) / name)) for name in ("few", "many"))
        few.fill(_FEW)
        bytes_before = many.used_bytes()
        many.fill(_MANY)
        bytes_per_job = (many.used_bytes() - bytes_before) / _MANY
        for _ in range(1 + _TURNS):
            for backlog in (few, many):
                backlog.run_turn()
    # In the first turn scripts are loaded and memory is allocated.
    cost_us = {name: statistics.median(b.cpu_s[1:]) * 1e6 for name, b in (("few", few), ("many", many))}
    wall_us = {name: statistics.median(b.wall_s[1:]) * 1e6 for name, b in (("few", few), ("many", many))}
    table = Table("waiting ids", "us of Redis a photograph", "us a photograph")
    for name, waiting in (("few", _FEW), ("many", _MANY)):
        table.add_row(str(waiting), f"{cost_us[name]:.0f}", f"{wall_us[name]:.0f}")
    Console().print(table)
    figures = {
        "waiting": _MANY,
        "redis_us_few": round(cost_us["few"], 1),
        "redis_us_many": round(cost_us["many"], 1),
        "cost_ratio": round(cost_us["many"] / cost_us["few"], 3),
        "wall_ratio": round(wall_us["many"] / wall_us["few"], 3),
        "bytes_per_job": round(bytes_per_job),
        "answered": few.answered + many.answered,
    }
    print(json.dumps(figures))


@contextmanager
def _open_backlog(home: Path) -> Iterator[Backlog]:
    with EmbeddedValkey(home, persistent=True) as broker, Redis.from_url(broker.url) as client:
        yield Backlog(Ledger(client, RedisRetry(broker.url)), client)


if __name__ == "__main__":
    main()
