"""What the calls return about a job."""

import time
from typing import Any

import pytest

from shared.contract.decision import decision_from_json
from shared.contract.names import CONTRACT_VERSION, Queue, Stage
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.ledger.script_call import KEY_PREFIX
from tests.shared.ledger.steps import OUTBOX, REFUSED, claimed, create_received, create_stored, sweep


def age(client: Any, id_: str, field: str, seconds: float) -> None:
    """Move a time of a job into the past."""
    client.hincrby(f"{KEY_PREFIX}job:{id_}", field, -round(seconds * 1000))


def test_claim_tells_the_worker_all_about_a_job(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", deadline_s=100)
    age(client, "a", "received_at", 20)
    age(client, "a", "dispatched_at", 5)
    age(client, "a", "deadline", 30)
    (job,) = claimed(ledger, "a", by="worker-1")
    assert (job.id, job.contract, job.queue, job.suspect, job.attempts) == (
        "a",
        CONTRACT_VERSION,
        Queue.BULK,
        False,
        1,
    )
    assert 70 - job.remaining_s == pytest.approx(0, abs=3)
    assert job.age_s == pytest.approx(20, abs=3)
    assert job.queued_s == pytest.approx(5, abs=3)
    ledger.run(transitions.release(["a"], incarnation="worker-1", suspect=True))
    (job,) = claimed(ledger, "a", by="worker-2")
    assert (job.suspect, job.attempts) == (True, 2)
    assert job.queued_s == pytest.approx(0, abs=3), "it has just become ready again"
    assert job.age_s == pytest.approx(20, abs=3)


def test_an_outbox_shows_a_job_without_a_decision(ledger: Ledger) -> None:
    create_received(ledger, "a", payload="its owner's")
    (job,) = ledger.run(transitions.peek(Stage.RECEIVED, outbox=OUTBOX, limit=9))
    assert (job.id, job.language, job.payload, job.attempts) == ("a", "en", "its owner's", 0)
    assert (job.decision, job.decided_at) == (b"", 0)
    assert job.received_at == pytest.approx(time.time(), abs=60)


def test_an_outbox_shows_a_decision(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    claimed(ledger, "a", by="worker-1")
    age(client, "a", "received_at", 20)
    ledger.run(transitions.decide([("a", REFUSED)]))
    (job,) = ledger.run(transitions.peek(Stage.DECIDED, outbox=OUTBOX, limit=9))
    assert decision_from_json(job.decision) == REFUSED
    assert job.decided_at - job.received_at == pytest.approx(20, abs=3)
    assert job.attempts == 1


def test_an_outbox_forgets_the_jobs_that_expired(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "expired", "kept")
    ledger.run(transitions.decide([("expired", REFUSED), ("kept", REFUSED)]))
    client.delete(f"{KEY_PREFIX}job:expired")
    assert [job.id for job in ledger.run(transitions.peek(Stage.DECIDED, outbox=OUTBOX, limit=9))] == ["kept"]
    assert client.zrange(f"{KEY_PREFIX}decided:{OUTBOX}", 0, -1) == [b"kept"]


def test_the_lost_reply_of_a_lease_is_remembered_for_a_day(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    ledger.run(transitions.decide([("a", REFUSED)]))
    lost = transitions.lease(Stage.DECIDED, outbox=OUTBOX, limit=9, incarnation="bot-1")
    assert [job.id for job in ledger.run(lost)] == [job.id for job in ledger.run(lost)] == ["a"]
    assert 0 < client.ttl(f"{KEY_PREFIX}last_lease:bot-1") <= 24 * 3600


def test_a_second_sweep_within_half_a_second_does_nothing(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    call = transitions.recovery_sweep(lease_s=5, grace_s=0, limit=9)
    assert len(ledger.run(call)) == 1
    now_ms = round(ledger.run(admin.get_overview()).time_s * 1000)
    client.set(f"{KEY_PREFIX}last_sweep_at", now_ms)
    assert ledger.run(call) == []
    client.set(f"{KEY_PREFIX}last_sweep_at", now_ms - 700)
    assert len(ledger.run(call)) == 1


def test_a_job_ends_once(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "answered", "cancelled", "undecided")
    ledger.run(transitions.decide([("answered", REFUSED)]))
    assert ledger.run(transitions.complete(["answered", "undecided"], retention_s=60)) == 1
    assert ledger.run(transitions.cancel(["cancelled"], retention_s=60)) == 1
    again = transitions.complete(["answered", "cancelled"], retention_s=60)
    assert ledger.run(again) == ledger.run(transitions.cancel(["answered", "cancelled"], retention_s=60)) == 0
    for id_ in ("answered", "cancelled"):
        history = ledger.run(admin.get_history(id_))
        assert history is not None
        assert [event.name for event in history.events][-1] == id_
        assert [event.name for event in history.events].count(id_) == 1
    assert client.zrange(f"{KEY_PREFIX}deadlines", 0, -1) == [b"undecided"]


def test_what_was_decided_or_deleted_is_no_longer_held(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "decided", "deleted", "cancelled", "failed")
    claimed(ledger, "decided", "deleted", "cancelled", "failed", by="worker-1")
    ledger.run(transitions.decide([("decided", REFUSED)]))
    ledger.run(transitions.delete(["deleted"]))
    ledger.run(transitions.cancel(["cancelled"]))
    client.hset(f"{KEY_PREFIX}job:failed", "deadline", 1)
    client.zadd(f"{KEY_PREFIX}deadlines", {"failed": 1})
    sweep(ledger, client)
    assert client.exists(f"{KEY_PREFIX}in_flight:worker-1") == 0
    assert client.zcard(f"{KEY_PREFIX}claimed") == client.zcard(f"{KEY_PREFIX}deadlines") == 0
