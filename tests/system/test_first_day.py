"""The operator's first day, from the doctor to the evening, on real processes. `make first-day` plays it."""

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr

from local.background import Background
from local.embedded_valkey import free_port
from local.workers import start_worker, wait_until_ready
from samples.many import render_many
from shared.connection import Connection
from shared.contract.decision import decision_from_json
from shared.contract.names import Queue, Stage
from shared.ledger import moves
from shared.ledger.records import NewJob
from shared.settings import Settings
from tests.system.conftest import PICTURES
from tests.system.house import House, assert_complete
from tests.system.test_operating import another, artefacts_of, ops, status
from tests.system.waiting import eventually, page

pytestmark = pytest.mark.system

DASHBOARD: Final = Path("deploy/grafana/dashboards/melanoma.json")


def say(text: str) -> None:
    print(f"\n--- {text}")


def asked_by_the_dashboard() -> set[str]:
    """Series of ledger and workers; the bot is not up on this day."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    queries = " ".join(target["expr"] for panel in panels for target in panel.get("targets", ()))
    return {name for name in re.findall(r"\bmelanoma_\w+", queries) if not name.startswith("melanoma_bot_")}


def series(port: int) -> set[str]:
    text = eventually(lambda: page(f"http://127.0.0.1:{port}/metrics"))
    return {re.split(r"[{ ]", line)[0] for line in text.splitlines() if not line.startswith("#")}


def start_workers(house: House, count: int) -> Iterator[tuple[Background, int]]:
    """Workers with metrics, on a port each."""
    for _ in range(count):
        port = free_port()
        log = house.home / f"worker-{len(house.workers)}.log"
        worker = start_worker(
            log,
            {
                "REDIS_URL": house.broker.url,
                "MELANOMA_ARTEFACT": str(house.home / "artefact"),
                "MELANOMA_METRICS_PORT": str(port),
            },
        )
        house.workers.append(worker)
        yield worker, port


def let_one_die(house: House, picture: bytes) -> Connection:
    """A person's photograph that nobody takes before its deadline."""
    service = Connection(Settings(redis_url=SecretStr(house.broker.url)), role="test", shard=1, stop=threading.Event())
    service.store.put({"mole": picture})
    service.ledger.run(
        moves.open_jobs(
            [NewJob("mole")],
            queue=Queue.INTERACTIVE,
            outbox="telegram",
            language="en",
            deadline_s=0.01,
            stored=True,
        )
    )
    return service


def test_the_first_day(house: House, folder: Path, tmp_path: Path) -> None:
    say("doctor: nobody works yet")
    assert "workers: none lives" in ops(house, "doctor", code=1)

    say("up, and a photograph")
    ((worker, port),) = start_workers(house, 1)
    wait_until_ready(worker)
    eventually(lambda: any(one.get("artefact") for one in status(house)["processes"]))
    assert "wrong" not in ops(house, "doctor")
    one = tmp_path / "one"
    picture = render_many(one, 1, size=(320, 240), seed=5)[0].read_bytes()
    first = house.submit(one)
    assert first.finish() == 0, first.said()

    say("a folder; one worker becomes three, and one again")
    submission = house.submit(folder)
    submission.wait_for(50)
    more = list(start_workers(house, 2))
    for late, _ in more:
        wait_until_ready(late)
    eventually(lambda: len([one for one in status(house)["processes"] if one["role"] == "worker"]) == 3)

    for late, _ in more:
        late.send(signal.SIGTERM)
        assert late.wait(60) == 0
    assert submission.finish() == 0, submission.said()
    assert_complete(submission.rows(), PICTURES)

    say("another artefact under load, and back")
    submission = house.submit(folder)
    assert "All workers serve" in ops(house, "switch", str(another(house)))
    submission.wait_for(submission.count() + 100)
    assert "All workers serve" in ops(house, "switch", "--back")
    for late, _ in more:
        late.send(signal.SIGTERM)
        assert late.wait(60) == 0
    assert submission.finish() == 0, submission.said()
    assert_complete(submission.rows(), PICTURES)
    assert len(artefacts_of(submission.rows())) == 2

    say("a dead letter, replayed")
    ops(house, "pause", "interactive")
    service = let_one_die(house, picture)
    with service:
        eventually(lambda: "deadline" in ops(house, "dead", "list"))
        ops(house, "resume", "interactive")
        assert "1 of 1 are tried again" in ops(house, "dead", "replay", "mole")
        decided = moves.peek(Stage.DECIDED, outbox="telegram", limit=9)
        (job,) = eventually(lambda: service.ledger.run(decided))
        assert decision_from_json(job.decision).kind == "verdict"
        assert "replayed by an operator" in ops(house, "trace", "mole")

    say("the dashboard's queries against the live metrics")
    exporting = free_port()
    command = [sys.executable, "-m", "ops", "exporter", "--port", str(exporting)]
    with Background(command, log=tmp_path / "exporter.log", environment={"REDIS_URL": house.broker.url}):
        live = series(port) | series(exporting)
    # A counter with a label is there once it has counted.
    never = {"melanoma_refusals_total", "melanoma_dead_letters_total"}
    assert asked_by_the_dashboard() - live - never == set()


def test_the_command_explains_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops", "--help"], capture_output=True, text=True, check=True, timeout=30
    )
    for command in ("status", "doctor", "dead", "pause", "resume", "drain", "switch", "trace", "exporter"):
        assert command in done.stdout
