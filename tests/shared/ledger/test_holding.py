"""What a process holds comes back when the process dies, whatever it held and whenever it died."""

from typing import Any, Literal

import pytest

from shared.contract.names import Queue, Stage
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import PendingDispatch
from shared.ledger.script_call import KEY_PREFIX
from tests.shared.ledger.steps import (
    OUTBOX,
    REFUSED,
    claim,
    claimed,
    create_received,
    create_stored,
    expire_lease,
    lease,
    sweep,
)

OutboxStage = Literal[Stage.RECEIVED, Stage.DECIDED]


def create_in(ledger: Ledger, stage: OutboxStage, *ids: str) -> None:
    if stage is Stage.RECEIVED:
        create_received(ledger, *ids)
    else:
        create_stored(ledger, *ids)
        ledger.run(transitions.decide([(id_, REFUSED) for id_ in ids]))


def held_by(client: Any, incarnation: str) -> set[str]:
    return {id_.decode() for id_ in client.smembers(f"{KEY_PREFIX}in_flight:{incarnation}")}


def lose(ledger: Ledger, client: Any, incarnation: str) -> None:
    """The lease of a process ends, and the sweep forgets the process."""
    ledger.run(transitions.heartbeat(incarnation, lease_s=5))
    expire_lease(ledger, incarnation)
    sweep(ledger, client, grace_s=60)
    assert client.zscore(f"{KEY_PREFIX}incarnations", incarnation) is None


def test_a_forgotten_worker_that_claims_is_registered_again(ledger: Ledger, client: Any) -> None:
    lose(ledger, client, "worker-1")
    create_stored(ledger, "a")
    assert [job.id for job in claimed(ledger, "a", by="worker-1")] == ["a"]
    assert ledger.run(transitions.get_counts()).incarnations == 1
    assert sweep(ledger, client, grace_s=60) == [], "it is alive"
    expire_lease(ledger, "worker-1")
    assert sweep(ledger, client, grace_s=60) == [PendingDispatch(Queue.BULK, "a")], "it died before its next heartbeat"


def test_a_worker_that_claims_is_alive_although_its_lease_has_ended(ledger: Ledger, client: Any) -> None:
    expire_lease(ledger, "worker-1")
    create_stored(ledger, "a")
    claimed(ledger, "a", by="worker-1")
    assert sweep(ledger, client, grace_s=60) == []
    (process,) = ledger.run(admin.get_overview()).processes
    assert 3 < process.lease_left_s <= 5


@pytest.mark.parametrize("stage", [Stage.RECEIVED, Stage.DECIDED])
def test_a_forgotten_sender_that_leases_is_registered_again(ledger: Ledger, client: Any, stage: OutboxStage) -> None:
    lose(ledger, client, "bot-1")
    create_in(ledger, stage, "a")
    assert lease(ledger, stage, by="bot-1") == ["a"]
    assert ledger.run(transitions.get_counts()).incarnations == 1
    expire_lease(ledger, "bot-1")
    sweep(ledger, client)
    assert lease(ledger, stage, by="bot-2") == ["a"]


@pytest.mark.parametrize("lease_s", [2, 60])
def test_a_claim_leaves_the_lease_of_a_registered_worker(ledger: Ledger, client: Any, lease_s: float) -> None:
    ledger.run(transitions.heartbeat("worker-1", lease_s=lease_s))
    until = client.zscore(f"{KEY_PREFIX}incarnations", "worker-1")
    create_stored(ledger, "a")
    claimed(ledger, "a", by="worker-1")
    assert client.zscore(f"{KEY_PREFIX}incarnations", "worker-1") == until


@pytest.mark.parametrize("stage", [Stage.RECEIVED, Stage.DECIDED])
def test_sweep_ends_the_leases_of_a_dead_sender(ledger: Ledger, client: Any, stage: OutboxStage) -> None:
    create_in(ledger, stage, "a")
    assert lease(ledger, stage, by="bot-1") == ["a"]
    assert lease(ledger, stage, by="bot-2") == []
    expire_lease(ledger, "bot-1")
    client.delete(f"{KEY_PREFIX}outbox_signal:{OUTBOX}")
    sweep(ledger, client)
    assert ledger.wait_for_outbox_change(OUTBOX, 1), "another sender is woken"
    assert client.hget(f"{KEY_PREFIX}job:a", "holder") == b""
    assert lease(ledger, stage, by="bot-2") == ["a"]
    assert (held_by(client, "bot-1"), held_by(client, "bot-2")) == (set(), {"a"})


@pytest.mark.parametrize("stage", [Stage.RECEIVED, Stage.DECIDED])
def test_a_lost_reply_does_not_return_what_another_sender_took_meanwhile(
    ledger: Ledger, client: Any, stage: OutboxStage
) -> None:
    create_in(ledger, stage, "a", "b")
    lost = transitions.lease(stage, outbox=OUTBOX, limit=10, incarnation="bot-1")
    ledger.run(lost)
    expire_lease(ledger, "bot-1")
    sweep(ledger, client, limit=1)
    (taken,) = lease(ledger, stage, by="bot-2")
    again = [job.id for job in ledger.run(lost)]
    assert again == sorted({"a", "b"} - {taken}), "or there would be two answers"
    assert held_by(client, "bot-1") | held_by(client, "bot-2") == {"a", "b"}
    assert held_by(client, "bot-2") == {taken}


def test_a_worker_that_was_forgotten_cannot_release_what_another_claimed(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    claim(ledger, "a", by="worker-1")
    lose(ledger, client, "worker-1")
    assert claim(ledger, "a", by="worker-2", token="other") == ["a"]
    assert ledger.run(transitions.release(["a"], incarnation="worker-1")) == []
    assert ledger.run(transitions.request_upload(["a"], incarnation="worker-1")) == []
    assert held_by(client, "worker-2") == {"a"}


def test_the_budget_of_a_sweep_holds_for_all_dead_processes_together(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, *(f"job-{count}" for count in range(9)))
    for count in range(3):
        claim(ledger, *(f"job-{number}" for number in range(3 * count, 3 * count + 3)), by=f"worker-{count}")
    for count in range(3):
        expire_lease(ledger, f"worker-{count}")
    assert [len(sweep(ledger, client, grace_s=60, limit=4)) for _ in range(4)] == [4, 4, 1, 0]
    assert client.zcard(f"{KEY_PREFIX}incarnations") == 0
    assert client.keys(f"{KEY_PREFIX}in_flight:*") == []


@pytest.mark.parametrize("stage", [Stage.RECEIVED, Stage.DECIDED])
def test_requeue_leaves_what_another_process_holds(ledger: Ledger, client: Any, stage: OutboxStage) -> None:
    create_in(ledger, stage, "a")
    assert lease(ledger, stage, by="bot-1") == ["a"]
    ledger.run(transitions.requeue(["a", "unknown"], incarnation="bot-2"))
    assert lease(ledger, stage, by="bot-2") == []
    ledger.run(transitions.requeue(["a"], incarnation="bot-1"))
    assert held_by(client, "bot-1") == set()
    assert client.hget(f"{KEY_PREFIX}job:a", "holder") == b""
    assert lease(ledger, stage, by="bot-2") == ["a"]


def test_an_outbox_expires_also_after_its_jobs_were_returned(ledger: Ledger, client: Any) -> None:
    create_in(ledger, Stage.DECIDED, "a")
    lease(ledger, by="bot-1")
    ledger.run(transitions.requeue(["a"], incarnation="bot-1"))
    assert client.ttl(f"{KEY_PREFIX}decided:{OUTBOX}") > 0
    lease(ledger, by="bot-1")
    expire_lease(ledger, "bot-1")
    sweep(ledger, client)
    assert client.zrange(f"{KEY_PREFIX}decided:{OUTBOX}", 0, -1) == [b"a"]
    assert client.ttl(f"{KEY_PREFIX}decided:{OUTBOX}") > 0


def test_sweep_leaves_jobs_that_a_dead_process_no_longer_held(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    claim(ledger, "a", by="worker-2")
    client.sadd(f"{KEY_PREFIX}in_flight:worker-1", "a", "deleted")
    expire_lease(ledger, "worker-1")
    assert sweep(ledger, client, grace_s=60) == []
    assert held_by(client, "worker-2") == {"a"}
    assert held_by(client, "worker-1") == set()
