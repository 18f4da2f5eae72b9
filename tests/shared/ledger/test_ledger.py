"""Every job gets exactly one decision, even if messages, replies or processes are lost."""

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from redis.exceptions import OutOfMemoryError

from shared.contract.decision import Failure, FailureReason, Refusal, RefusalReason, decision_from_json
from shared.contract.names import Queue, Stage
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import ClaimedJob, NewJob, PendingDispatch
from shared.ledger.script_call import KEY_PREFIX
from shared.redis_client.retry import RedisRetry
from tests.hypothesis_profiles import examples

OUTBOX = "bulk:test"
REFUSED = Refusal(reason=RefusalReason.DAMAGED)
FAILED = Failure(reason=FailureReason.DECODE_DIED)


def create_stored(ledger: Ledger, *ids: str, queue: Queue = Queue.BULK, deadline_s: float = 60) -> list[str]:
    pending = ledger.run(
        transitions.create_jobs(
            [NewJob(id_) for id_ in ids], queue=queue, outbox=OUTBOX, language="en", deadline_s=deadline_s, stored=True
        )
    )
    return [job.id for job in pending]


def claim(ledger: Ledger, *ids: str, by: str = "worker-1", token: str = "message-1") -> list[str]:
    ledger.run(transitions.heartbeat(by, lease_s=5))
    return [job.id for job in claimed(ledger, *ids, by=by, token=token)]


def claimed(ledger: Ledger, *ids: str, by: str, token: str = "again") -> list[ClaimedJob]:
    jobs = ledger.run(transitions.claim([(token, id_) for id_ in ids], incarnation=by))
    return [job for job in jobs if job is not None]


def sweep(ledger: Ledger, client: Any, *, grace_s: float = 0, lease_s: float = 5) -> list[PendingDispatch]:
    """Sweep although another process may have just swept."""
    last_sweep_at = client.get(f"{KEY_PREFIX}last_sweep_at")
    if last_sweep_at is not None:
        client.set(f"{KEY_PREFIX}last_sweep_at", int(last_sweep_at) - 600)
    return ledger.run(transitions.recovery_sweep(lease_s=lease_s, grace_s=grace_s, limit=100))


def expire_lease(client: Any, incarnation: str) -> None:
    """Set the lease of a process to one that has expired."""
    client.zadd(f"{KEY_PREFIX}incarnations", {incarnation: 1})


def decided(ledger: Ledger) -> dict[str, str]:
    jobs = ledger.run(transitions.peek(Stage.DECIDED, outbox=OUTBOX, limit=1000))
    return {job.id: decision_from_json(job.decision).kind for job in jobs}


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
    assert ledger.run(transitions.mark_ready(["a"])) == [PendingDispatch(Queue.INTERACTIVE, "a")]
    assert claim(ledger, "a") == ["a"]
    assert ledger.run(transitions.decide([("a", REFUSED)])) == [True]
    assert ledger.wait_for_outbox_change(OUTBOX, 1)
    assert decided(ledger) == {"a": "refusal"}
    assert ledger.run(transitions.complete(["a"], retention_s=0)) == 1
    remaining = [key for key in client.keys(f"{KEY_PREFIX}*") if b"_sequence:" not in key]
    assert set(remaining) <= {
        f"{KEY_PREFIX}{name}".encode() for name in ("incarnations", "outboxes", f"outbox_signal:{OUTBOX}")
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
    expire_lease(client, "dead")
    assert sweep(ledger, client, grace_s=60) == [PendingDispatch(Queue.BULK, "a")]
    again = claimed(ledger, "a", by="alive")
    assert [(job.suspect, job.attempts) for job in again] == [(True, 2)]
    assert sweep(ledger, client, grace_s=60) == []


def test_a_worker_whose_lease_expired_may_still_decide_but_not_release(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", "b")
    claim(ledger, "a", "b", by="frozen")
    expire_lease(client, "frozen")
    sweep(ledger, client)
    claim(ledger, "a", "b", by="other", token="other")
    assert ledger.run(transitions.release(["b"], incarnation="frozen")) == []
    assert ledger.run(transitions.decide([("a", REFUSED)])) == [True]
    assert ledger.run(transitions.decide([("a", FAILED)])) == [False]


def test_sweep_does_not_take_a_backlog_for_a_loss(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", "b", "c")
    client.rpush(str(Queue.BULK), "message for a", "for b", "for c")
    assert sweep(ledger, client) == []


def test_sweep_finds_a_lost_message_after_a_later_job_was_claimed(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", "b", "c")
    client.rpush(str(Queue.BULK), "message for c")
    claim(ledger, "b")
    assert sweep(ledger, client, grace_s=60) == [], "the message may still be on its way"
    assert sweep(ledger, client) == [PendingDispatch(Queue.BULK, "a")]


def test_sweep_finds_lost_messages_when_the_queue_is_empty(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", queue=Queue.INTERACTIVE)
    create_stored(ledger, "b", "c")
    assert {job.id for job in sweep(ledger, client)} == {"a", "b", "c"}


def test_sweep_moves_a_bounded_number_of_jobs(ledger: Ledger, client: Any) -> None:
    ids = [f"job-{count}" for count in range(250)]
    create_stored(ledger, *ids)
    claim(ledger, *ids, by="dead")
    expire_lease(client, "dead")
    batches = []
    while pending := sweep(ledger, client, grace_s=60):
        batches.append(len(pending))
    assert sum(batches) == 250
    assert max(batches) <= 100


def test_sweep_renews_all_leases_after_an_outage(ledger: Ledger, client: Any) -> None:
    sweep(ledger, client)
    create_stored(ledger, "a")
    claim(ledger, "a")
    expire_lease(client, "worker-1")
    long_ago = int(time.time() * 1000) - 60_000
    client.set(f"{KEY_PREFIX}last_sweep_at", long_ago)
    assert ledger.run(transitions.recovery_sweep(lease_s=5, grace_s=60, limit=100)) == []
    expire_lease(client, "worker-1")
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
    expire_lease(client, "worker-1")
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
    assert ledger.run(transitions.mark_ready(["a"])) == [PendingDispatch(Queue.BULK, "a")]


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
    expire_lease(client, "sender")
    sweep(ledger, client)
    assert lease(ledger) == ["a"]


def lease(ledger: Ledger) -> list[str]:
    call = transitions.lease(Stage.DECIDED, outbox=OUTBOX, limit=10, incarnation="sender")
    return [job.id for job in ledger.run(call)]


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
    expire_lease(client, "sender")
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


def test_complete_keeps_a_dead_letter(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    ledger.run(transitions.decide([("a", FAILED)]))
    ledger.run(transitions.complete(["a"], retention_s=0))
    assert client.exists(f"{KEY_PREFIX}job:a")
    assert ledger.run(transitions.get_counts()).dead_letters == 1


def test_an_unfetched_decision_expires_unless_it_is_a_dead_letter(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "refused", "failed")
    ledger.run(transitions.decide([("refused", REFUSED), ("failed", FAILED)]))
    week = 7 * 24 * 3600
    assert week - 5 <= client.ttl(f"{KEY_PREFIX}job:refused") <= week
    assert week - 5 <= client.ttl(f"{KEY_PREFIX}decided:{OUTBOX}") <= week
    assert client.ttl(f"{KEY_PREFIX}job:failed") == -1, "a dead letter waits for an operator"


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


class LedgerStateMachine(RuleBasedStateMachine):
    """Messages are delivered, lost and duplicated and workers die in any order: no job is lost or decided twice."""

    client: Any

    @initialize(ids=st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1))
    def create_jobs(self, ids: list[str]) -> None:
        self.client.flushall()
        self.ledger = Ledger(self.client, RedisRetry("test"))
        self.decisions: dict[str, int] = dict.fromkeys(ids, 0)
        self.messages: list[str] = create_stored(self.ledger, *ids)
        self.tokens = 0

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), worker=st.sampled_from(["w1", "w2"]), doubled=st.booleans())
    def deliver(self, data: st.DataObject, worker: str, doubled: bool) -> None:
        message = data.draw(st.sampled_from(self.messages))
        if not doubled:
            self.messages.remove(message)
        self.tokens += 1
        claim(self.ledger, message, by=worker, token=f"t{self.tokens}")

    @precondition(lambda self: self.messages)
    @rule()
    def lose_all_messages(self) -> None:
        self.messages.clear()

    @rule(worker=st.sampled_from(["w1", "w2"]))
    def worker_dies(self, worker: str) -> None:
        expire_lease(self.client, worker)
        self.messages += [job.id for job in sweep(self.ledger, self.client)]

    @rule()
    def sweep_only(self) -> None:
        self.messages += [job.id for job in sweep(self.ledger, self.client)]

    @rule(paused=st.booleans())
    def pause_or_resume(self, paused: bool) -> None:
        self.ledger.run(admin.pause(Queue.BULK) if paused else admin.resume(Queue.BULK))

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.decisions)))
        count, pending = self.ledger.run(admin.replay_dead_letters([(id_, True)], deadline_s=60))
        self.decisions[id_] -= count
        self.messages += [job.id for job in pending]

    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.decisions)))
        self.decisions[id_] += self.ledger.run(transitions.decide([(id_, FAILED)]))[0]

    @rule(data=st.data())
    def decide(self, data: st.DataObject) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.decisions)))
        self.decisions[id_] += self.ledger.run(transitions.decide([(id_, REFUSED)]))[0]

    @rule(data=st.data(), worker=st.sampled_from(["w1", "w2"]), is_image_lost=st.booleans())
    def release(self, data: st.DataObject, worker: str, is_image_lost: bool) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.decisions)))
        transition = transitions.request_upload if is_image_lost else transitions.release
        self.messages += [job.id for job in self.ledger.run(transition([id_], incarnation=worker))]

    @rule()
    def owner_uploads_images_again(self) -> None:
        missing = self.ledger.run(transitions.peek(Stage.RECEIVED, outbox=OUTBOX, limit=100))
        self.messages += [job.id for job in self.ledger.run(transitions.mark_ready([job.id for job in missing]))]

    @invariant()
    def each_job_is_in_one_stage(self) -> None:
        if not hasattr(self, "decisions"):
            return
        ids_by_stage = [
            {id_.decode() for id_ in self.client.zrange(f"{KEY_PREFIX}{name}", 0, -1)}
            for name in (f"ready:{Queue.BULK}", "claimed", f"received:{OUTBOX}", f"decided:{OUTBOX}")
        ]
        assert sum(map(len, ids_by_stage)) == len(self.decisions)
        assert set().union(*ids_by_stage) == set(self.decisions)
        assert ids_by_stage[3] == {id_ for id_, times in self.decisions.items() if times == 1}
        assert max(self.decisions.values()) <= 1


def test_no_order_of_events_loses_a_job(client: Any) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    LedgerStateMachine.client = client
    run_state_machine_as_test(
        LedgerStateMachine,
        settings=settings(max_examples=examples(60), stateful_step_count=25, suppress_health_check=list(HealthCheck)),
    )


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


def test_dead_letter_keeps_an_undeliverable_job(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    claim(ledger, "a")
    ledger.run(transitions.decide([("a", REFUSED)]))
    ledger.run(transitions.heartbeat("sender", lease_s=5))
    ledger.run(transitions.lease(Stage.DECIDED, outbox=OUTBOX, limit=5, incarnation="sender"))
    assert ledger.run(transitions.dead_letter(["a"], incarnation="another", reason="refused")) == 0
    assert ledger.run(transitions.dead_letter(["a"], incarnation="sender", reason="refused")) == 1
    assert ledger.run(transitions.get_counts()).dead_letters == 1
    assert client.ttl(f"{KEY_PREFIX}job:a") == -1
    sweep(ledger, client)
    assert ledger.run(transitions.peek(Stage.DECIDED, outbox=OUTBOX, limit=5)) == []


def test_counts_add_the_throughput_of_live_workers(ledger: Ledger) -> None:
    ledger.run(transitions.heartbeat("worker-1", lease_s=5, images_per_second=100.5))
    ledger.run(transitions.heartbeat("worker-2", lease_s=5, images_per_second=20))
    ledger.run(transitions.heartbeat("bulk-1", lease_s=5))
    ledger.run(transitions.heartbeat("worker-gone", lease_s=0, images_per_second=1000))
    assert ledger.run(transitions.get_counts()).images_per_second == 120.5
