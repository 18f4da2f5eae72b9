"""Every job gets exactly one decision, even if messages, replies or processes are lost."""

import time
from typing import Any

import pytest
from redis.exceptions import OutOfMemoryError

from shared.contract.decision import decision_from_json
from shared.contract.names import Queue, Stage
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import NewJob, PendingDispatch
from shared.ledger.script_call import KEY_PREFIX
from tests.shared.ledger.steps import (
    FAILED,
    OUTBOX,
    REFUSED,
    claim,
    claimed,
    create_received,
    create_stored,
    decided,
    expire_lease,
    lease,
    sweep,
)


def test_a_job_passes_every_stage_from_received_to_answered(ledger: Ledger, client: Any) -> None:
    new = transitions.create_jobs(
        [NewJob("a", payload="file 7")],
        queue=Queue.INTERACTIVE,
        outbox=OUTBOX,
        language="ru",
        deadline_s=60,
        stored=False,
    )
    assert ledger.run(new) == []
    received = ledger.run(transitions.peek(Stage.RECEIVED, outbox=OUTBOX, limit=10))
    assert [(job.id, job.payload, job.language) for job in received] == [("a", "file 7", "ru")]
    assert ledger.run(transitions.mark_ready(["a"])).pending == [PendingDispatch(Queue.INTERACTIVE, "a")]
    assert claim(ledger, "a") == ["a"]
    assert ledger.run(transitions.decide([("a", REFUSED)])) == [True]
    assert ledger.wait_for_outbox_change(OUTBOX, 1)
    assert decided(ledger) == {"a": "refusal"}
    assert ledger.run(transitions.complete(["a"], retention_s=0)) == 1
    remaining = [key for key in client.keys(f"{KEY_PREFIX}*") if b"_sequence:" not in key]
    assert set(remaining) <= {
        f"{KEY_PREFIX}{name}".encode()
        for name in ("incarnations", "outboxes", f"outbox_signal:{OUTBOX}", "last_claim:worker-1")
    }


def test_create_jobs_ignores_jobs_that_exist(ledger: Ledger) -> None:
    assert create_stored(ledger, "a", "b") == ["a", "b"]
    assert create_stored(ledger, "a", "b", "c") == ["c"]
    assert ledger.run(transitions.get_counts()).queues[Queue.BULK].ready == 3


def test_claim_ignores_a_duplicate_message_but_repeats_a_lost_reply(ledger: Ledger) -> None:
    create_stored(ledger, "a")
    assert claim(ledger, "a", token="first") == ["a"]
    assert claim(ledger, "a", token="second") == []
    assert claim(ledger, "a", by="worker-2", token="third") == []
    assert claim(ledger, "a", token="first") == ["a"]


def test_decide_keeps_the_first_decision(ledger: Ledger) -> None:
    create_stored(ledger, "a")
    claim(ledger, "a")
    assert ledger.run(transitions.decide([("a", REFUSED)])) == [True]
    assert ledger.run(transitions.decide([("a", FAILED), ("unknown", FAILED)])) == [False, False]
    assert decided(ledger) == {"a": "refusal"}


def test_sweep_requeues_jobs_of_a_dead_worker_as_suspect(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", "b")
    claim(ledger, "a", by="dead")
    claim(ledger, "b", by="alive")
    ledger.run(transitions.begin(["a"], incarnation="dead"))
    expire_lease(ledger, "dead")
    assert sweep(ledger, client, grace_s=60) == [PendingDispatch(Queue.BULK, "a")]
    again = claimed(ledger, "a", by="alive")
    assert [(job.suspect, job.attempts) for job in again] == [(True, 2)]
    assert sweep(ledger, client, grace_s=60) == []


def test_bulk_jobs_that_only_waited_in_a_dead_worker_are_no_suspects(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "begun", "waits", "begun by another")
    create_stored(ledger, "interactive", queue=Queue.INTERACTIVE)
    claim(ledger, "begun", "waits", "begun by another", "interactive", by="dead")
    ledger.run(transitions.begin(["begun", "unknown"], incarnation="dead"))
    ledger.run(transitions.begin(["begun by another"], incarnation="another"))
    expire_lease(ledger, "dead")
    sweep(ledger, client)
    again = claimed(ledger, "begun", "waits", "begun by another", "interactive", by="alive")
    assert {job.id: (job.suspect, job.attempts) for job in again} == {
        "begun": (True, 2),
        "waits": (False, 1),
        "begun by another": (False, 1),
        "interactive": (True, 2),
    }
    expire_lease(ledger, "alive")
    sweep(ledger, client)
    (job,) = claimed(ledger, "waits", by="last")
    assert not job.suspect, "the next worker that claims it has not begun with it either"


def test_a_worker_whose_lease_expired_may_still_decide_but_not_release(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", "b")
    claim(ledger, "a", "b", by="frozen")
    expire_lease(ledger, "frozen")
    sweep(ledger, client)
    claim(ledger, "a", "b", by="other", token="other")
    assert ledger.run(transitions.release(["b"], incarnation="frozen")) == []
    assert ledger.run(transitions.decide([("a", REFUSED)])) == [True]
    assert ledger.run(transitions.decide([("a", FAILED)])) == [False]


def test_sweep_does_not_take_a_backlog_for_a_loss(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", "b", "c")
    client.rpush(str(Queue.BULK), "message for a", "for b", "for c")
    assert sweep(ledger, client) == []


def test_sweep_finds_a_lost_message_after_the_grace_and_keeps_the_place_of_its_job(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", "b")
    assert sweep(ledger, client, grace_s=60) == [], "the message may still be on its way"
    for id_ in ("a", "b"):
        client.hincrby(f"{KEY_PREFIX}job:{id_}", "dispatched_at", -100_000)
    assert sweep(ledger, client, grace_s=60) == [PendingDispatch(Queue.BULK, "a"), PendingDispatch(Queue.BULK, "b")]
    assert client.zrange(f"{KEY_PREFIX}ready:bulk", 0, -1) == [b"a", b"b"]
    assert sweep(ledger, client, grace_s=60) == [], "it was published just now"


def test_sweep_finds_lost_messages_when_the_queue_is_empty(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", queue=Queue.INTERACTIVE)
    create_stored(ledger, "b", "c")
    assert {job.id for job in sweep(ledger, client)} == {"a", "b", "c"}


def test_sweep_moves_a_bounded_number_of_jobs(ledger: Ledger, client: Any) -> None:
    ids = [f"job-{count}" for count in range(250)]
    create_stored(ledger, *ids)
    claim(ledger, *ids, by="dead")
    expire_lease(ledger, "dead")
    ready = [0]
    while ready[-1] < 250:
        assert sweep(ledger, client, grace_s=60), "some of the messages are owed"
        ready.append(ledger.run(transitions.get_counts()).queues[Queue.BULK].ready)
        assert 0 < ready[-1] - ready[-2] <= 100
    assert sweep(ledger, client, grace_s=60) == []


def test_sweep_renews_all_leases_after_an_outage(ledger: Ledger, client: Any) -> None:
    sweep(ledger, client)
    create_stored(ledger, "a")
    claim(ledger, "a")
    expire_lease(ledger, "worker-1")
    long_ago = int(time.time() * 1000) - 60_000
    client.set(f"{KEY_PREFIX}last_sweep_at", long_ago)
    assert ledger.run(transitions.recovery_sweep(lease_s=5, grace_s=60, limit=100)).pending == []
    expire_lease(ledger, "worker-1")
    assert sweep(ledger, client, grace_s=60) == [PendingDispatch(Queue.BULK, "a")]


def test_the_ledger_continues_when_the_clock_is_set_back(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", "b")
    claim(ledger, "a")
    sweep(ledger, client)
    before = ledger.run(admin.get_overview()).time_s
    # This looks like a clock that was set back by half a minute.
    client.incrby(f"{KEY_PREFIX}last_sweep_at", 30_000)
    assert ledger.run(admin.get_overview()).time_s - before == pytest.approx(30, abs=5), (
        "time continues from where it was"
    )
    expire_lease(ledger, "worker-1")
    assert "a" in [job.id for job in sweep(ledger, client)]
    ledger.run(transitions.decide([("b", REFUSED)]))
    assert lease(ledger) == ["b"]
    ledger.run(transitions.requeue(["b"], incarnation="sender", after_s=0.2))
    time.sleep(0.25)
    assert lease(ledger) == ["b"]


def test_sweep_fails_a_job_at_its_deadline(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "late", deadline_s=0.01)
    create_stored(ledger, "early", deadline_s=60)
    time.sleep(0.05)
    sweep(ledger, client, grace_s=60)
    assert decided(ledger) == {"late": "failure"}
    assert ledger.run(transitions.get_counts()).dead_letters == 1


def test_request_upload_returns_a_job_to_its_owner(ledger: Ledger) -> None:
    create_stored(ledger, "a")
    claim(ledger, "a")
    assert ledger.run(transitions.request_upload(["a"], incarnation="worker-1")) == []
    assert ledger.wait_for_outbox_change(OUTBOX, 1)
    assert [job.id for job in ledger.run(transitions.peek(Stage.RECEIVED, outbox=OUTBOX, limit=9))] == ["a"]
    assert ledger.run(transitions.mark_ready(["a"])).pending == [PendingDispatch(Queue.BULK, "a")]


def test_mark_ready_names_the_images_that_no_job_needs(ledger: Ledger) -> None:
    create_received(ledger, "waiting", "forgotten", "cancelled", "answered", "decided")
    ledger.run(transitions.delete(["forgotten"]))
    ledger.run(transitions.cancel(["cancelled"], retention_s=60))
    ledger.run(transitions.decide([("answered", REFUSED), ("decided", REFUSED)]))
    ledger.run(transitions.complete(["answered"], retention_s=60))
    marked = ledger.run(transitions.mark_ready(["waiting", "forgotten", "cancelled", "answered", "decided"]))
    assert [job.id for job in marked.pending] == ["waiting"]
    assert marked.unused == ["forgotten", "cancelled", "answered"], "of a decided job the answer may need the image"
    again = ledger.run(transitions.mark_ready(["waiting"]))
    assert (again.pending, again.unused) == ([], []), "the first reply may have been lost: a worker needs the image"


def test_release_counts_no_attempt_unless_the_job_is_suspect(ledger: Ledger) -> None:
    create_stored(ledger, "a", "b")
    claim(ledger, "a", "b")
    assert ledger.run(transitions.release(["a"], incarnation="worker-1")) == [PendingDispatch(Queue.BULK, "a")]
    ledger.run(transitions.release(["b"], incarnation="worker-1", suspect=True))
    again = claimed(ledger, "a", "b", by="worker-2")
    assert {job.id: (job.suspect, job.attempts) for job in again} == {"a": (False, 1), "b": (True, 2)}


def test_sweep_ends_the_lease_of_a_dead_process(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    claim(ledger, "a")
    ledger.run(transitions.decide([("a", REFUSED)]))
    ledger.run(transitions.heartbeat("sender", lease_s=5))
    assert lease(ledger) == ["a"]
    assert lease(ledger) == []
    expire_lease(ledger, "sender")
    sweep(ledger, client)
    assert lease(ledger) == ["a"]


def test_lease_repeats_a_lost_reply(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", "b", "c")
    ledger.run(transitions.decide([("a", REFUSED), ("b", REFUSED)]))
    lost = transitions.lease(Stage.DECIDED, outbox=OUTBOX, limit=10, incarnation="sender")
    ledger.run(lost)
    ledger.run(transitions.complete(["b"], retention_s=60))
    ledger.run(transitions.decide([("c", REFUSED)]))
    assert [job.id for job in ledger.run(lost)] == ["a"], "neither the answered job nor the later one"
    assert lease(ledger) == ["c"]
    assert lease(ledger) == []
    expire_lease(ledger, "sender")
    sweep(ledger, client)
    assert client.keys(f"{KEY_PREFIX}last_lease:*") == []


def test_requeue_makes_a_job_due_later(ledger: Ledger) -> None:
    create_stored(ledger, "a")
    ledger.run(transitions.decide([("a", REFUSED)]))
    lease(ledger)
    ledger.run(transitions.requeue(["a"], incarnation="sender", after_s=0.2))
    assert lease(ledger) == []
    time.sleep(0.25)
    assert lease(ledger) == ["a"]


def test_cancel_removes_a_job_from_every_stage(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "ready", "claimed", "decided")
    claim(ledger, "claimed", "decided")
    ledger.run(transitions.decide([("decided", FAILED)]))
    assert ledger.run(transitions.cancel(["ready", "claimed", "decided", "unknown"])) == 3
    assert claim(ledger, "ready", "claimed", token="t") == []
    assert decided(ledger) == {}
    counts = ledger.run(transitions.get_counts())
    assert (counts.dead_letters, counts.claimed, counts.queues[Queue.BULK].ready) == (0, 0, 0)
    assert client.keys(f"{KEY_PREFIX}job:*") == []


def test_an_unfetched_decision_expires(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "refused", "failed")
    ledger.run(transitions.decide([("refused", REFUSED), ("failed", FAILED)]))
    week = 7 * 24 * 3600
    assert week - 5 <= client.ttl(f"{KEY_PREFIX}job:refused") <= week
    assert week - 5 <= client.ttl(f"{KEY_PREFIX}decided:{OUTBOX}") <= week
    month = 30 * 24 * 3600
    assert month - 5 <= client.ttl(f"{KEY_PREFIX}job:failed") <= month, "a dead letter waits for an operator"


def test_a_full_redis_takes_no_new_jobs_but_closes_old_ones(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    claim(ledger, "a")
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(OutOfMemoryError):
            create_stored(ledger, "b")
        assert ledger.run(transitions.decide([("a", REFUSED)])) == [True]
        assert ledger.run(transitions.complete(["a"], retention_s=0)) == 1
    finally:
        client.config_set("maxmemory", 0)


def test_run_loads_a_script_again_after_redis_lost_it(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    client.script_flush()
    assert claim(ledger, "a") == ["a"]


def test_get_jobs_shows_stage_and_queue_position(ledger: Ledger) -> None:
    create_stored(ledger, "first", "second", queue=Queue.INTERACTIVE)
    first, second, none = ledger.run(transitions.get_jobs(["first", "second", "elsewhere"]))
    assert none is None
    assert first is not None
    assert second is not None
    assert (first.stage, first.queue_position, second.queue_position) == (Stage.READY, 0, 1)
    claim(ledger, "first")
    ledger.run(transitions.decide([("first", REFUSED)]))
    first, second = ledger.run(transitions.get_jobs(["first", "second"]))
    assert first is not None
    assert second is not None
    assert (first.stage, first.queue_position, second.queue_position) == (Stage.DECIDED, None, 0)
    assert decision_from_json(first.decision) == REFUSED


@pytest.mark.parametrize("dead", [False, True])
def test_delete_leaves_no_trace(ledger: Ledger, client: Any, dead: bool) -> None:
    create_stored(ledger, "answered", "waiting")
    claim(ledger, "answered")
    ledger.run(transitions.decide([("answered", FAILED if dead else REFUSED)]))
    ledger.run(transitions.complete(["answered"], retention_s=60))
    assert ledger.run(transitions.delete(["answered", "waiting", "elsewhere"])) == 2
    for key in client.keys("*"):
        kind = client.type(key)
        members = client.zrange(key, 0, -1) if kind == b"zset" else client.smembers(key) if kind == b"set" else []
        assert not {b"answered", b"waiting"} & set(members), key
        assert not key.endswith((b"answered", b"waiting"))


def test_counts_say_which_queue_is_paused(ledger: Ledger) -> None:
    ledger.run(admin.pause(Queue.BULK))
    queues = ledger.run(transitions.get_counts()).queues
    assert {queue: counts.is_paused for queue, counts in queues.items()} == {Queue.BULK: True, Queue.INTERACTIVE: False}


def test_counts_add_the_throughput_of_live_workers(ledger: Ledger) -> None:
    ledger.run(transitions.heartbeat("worker-1", lease_s=5, images_per_second=100.5))
    ledger.run(transitions.heartbeat("worker-2", lease_s=5, images_per_second=0.5))
    ledger.run(transitions.heartbeat("bulk-1", lease_s=5))
    ledger.run(transitions.heartbeat("worker-gone", lease_s=0, images_per_second=1000))
    counts = ledger.run(transitions.get_counts())
    assert (counts.images_per_second, counts.workers, counts.incarnations) == (101, 2, 3)
