"""Tests of `bulk.run.worker_status`: a run that waits says truly for what."""

import threading
from collections.abc import Iterator

import pytest

from bulk.run import worker_status
from bulk.run.worker_status import WorkerStatus
from shared.config.settings import Settings
from shared.contract.names import Queue
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import NewJob
from shared.service.client import ServiceClient


@pytest.fixture
def ledger(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    monkeypatch.setattr(worker_status, "_QUIET_S", -1.0)
    monkeypatch.setattr(worker_status, "_ASK_INTERVAL_S", -1.0)
    config = Settings(REDIS_URL=redis_url, _env_file=None)  # type: ignore[call-arg]
    with ServiceClient(config, role="bulk", stop=threading.Event()) as service:
        yield service.ledger


def status(ledger: Ledger) -> str:
    asked = WorkerStatus(ledger)
    asked.describe(0)
    return asked.describe(0)


def add_ready_job(ledger: Ledger, id_: str, queue: Queue) -> None:
    ledger.run(
        transitions.create_jobs([NewJob(id_)], queue=queue, outbox="o", language="en", deadline_s=60, stored=True)
    )


def test_a_queue_that_an_operator_paused_is_named_with_the_command_that_resumes_it(ledger: Ledger) -> None:
    ledger.run(transitions.heartbeat("worker-1", lease_s=60))
    add_ready_job(ledger, "a" * 32, Queue.INTERACTIVE)
    ledger.run(admin.pause(Queue.BULK))
    assert status(ledger) == "waiting: an operator paused folder runs just now (melanoma-ops resume bulk)"
    ledger.run(admin.resume(Queue.BULK))
    assert status(ledger) == "waiting: workers serve chat users first"


def test_bots_are_no_workers(ledger: Ledger) -> None:
    ledger.run(transitions.heartbeat("bot-1", lease_s=60))
    assert status(ledger) == "waiting: no worker is running"
    ledger.run(transitions.heartbeat("worker-1", lease_s=60))
    assert status(ledger) == "waiting: no worker is answering yet"


def test_nothing_is_asked_while_results_arrive(ledger: Ledger) -> None:
    asked = WorkerStatus(ledger)
    assert [asked.describe(done) for done in (1, 2, 3)] == ["", "", ""]
