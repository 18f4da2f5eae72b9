"""No order of events loses a job, decides or answers it twice, or leaves anything of it behind."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis.exceptions import OutOfMemoryError

from shared.contract.names import Queue, Stage
from shared.image_store.store import ImageStore, image_key
from shared.ledger import admin, script_call, transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import ClaimedJob, OutboxJob, TaskMessage
from shared.ledger.script_call import KEY_PREFIX, ScriptCall
from shared.redis_client.retry import RedisRetry
from tests.hypothesis_profiles import examples
from tests.shared.ledger.steps import FAILED, OUTBOX, REFUSED, create_stored, expire_lease, sweep

WORKERS: Final = ("worker-1", "worker-2")
SENDERS: Final = ("bot-1", "bot-2")

workers = st.sampled_from(WORKERS)
senders = st.sampled_from(SENDERS)
outbox_stages = st.sampled_from([Stage.RECEIVED, Stage.DECIDED])

#: Jobs that a message stands for. With more, the few jobs of an example would never need fewer messages than jobs.
JOBS: Final = 2

#: Messages are published even if Redis is full.
PUBLISH: Final = "#!lua flags=allow-oom\nreturn redis.call('LPUSH', KEYS[1], ARGV[1])"


@dataclass(frozen=True)
class Snapshot:
    """What Redis holds between two steps: jobs by place, by holder and by field; their times to live; images."""

    waiting: dict[str, set[str]]
    held: dict[str, set[str]]
    registered: set[str]
    jobs: dict[str, dict[str, str]]
    ttls: dict[str, int]
    outbox_ttl: int
    stored: set[str]
    reserved: set[str]

    @classmethod
    def take(cls, client: Any, ids: list[str]) -> "Snapshot":
        places = {"ready": f"ready:{Queue.BULK}", "claimed": "claimed", "received": f"received:{OUTBOX}"}
        places["decided"] = f"decided:{OUTBOX}"
        processes = (*WORKERS, *SENDERS)
        with client.pipeline(transaction=False) as pipeline:
            for key in places.values():
                pipeline.zrange(f"{KEY_PREFIX}{key}", 0, -1)
            for process in processes:
                pipeline.smembers(f"{KEY_PREFIX}in_flight:{process}")
            pipeline.zrange(f"{KEY_PREFIX}incarnations", 0, -1)
            pipeline.ttl(f"{KEY_PREFIX}decided:{OUTBOX}")
            pipeline.keys(image_key("*"))
            pipeline.hkeys("melanoma:image:sizes")
            for id_ in ids:
                pipeline.hmget(f"{KEY_PREFIX}job:{id_}", "stage", "holder", "suspect")
                pipeline.ttl(f"{KEY_PREFIX}job:{id_}")
            replies = iter(pipeline.execute())
        waiting = {place: _texts(next(replies)) for place in places}
        held = {process: _texts(next(replies)) for process in processes}
        registered, outbox_ttl = _texts(next(replies)), next(replies)
        stored = {key.rpartition(":")[2] for key in _texts(next(replies))}
        reserved = _texts(next(replies))
        jobs, ttls = {}, {}
        for id_ in ids:
            stage, holder, suspect = next(replies)
            jobs[id_] = {"stage": stage.decode(), "holder": (holder or b"").decode(), "suspect": suspect.decode()}
            ttls[id_] = next(replies)
        return cls(waiting, held, registered, jobs, ttls, outbox_ttl, stored, reserved)


def _texts(reply: Iterable[bytes]) -> set[str]:
    return {text.decode() for text in reply}


class LedgerStateMachine(RuleBasedStateMachine):
    """Messages and replies are lost and doubled, processes die, users delete, and Redis is full: in any order.

    `decisions` counts by job how many of its decisions were kept since the last replay. `fetching` are images that a
    sender has stored, whose jobs it has not marked yet. The messages are in the queue; `is_any_lost` says whether some
    were lost since a sweep found none.
    """

    client: Any

    @initialize(count=st.integers(1, 5) | st.integers(1, 40))
    def create_jobs(self, count: int) -> None:
        ids = [f"job-{number:02}" for number in range(count)]
        self.client.flushall()
        self.ledger = Ledger(self.client, RedisRetry("test"))
        self.store = ImageStore(self.client, RedisRetry("test"), budget_bytes=1000, ttl_s=60)
        self.store.put(dict.fromkeys(ids, b"image"))
        self.decisions: dict[str, int] = dict.fromkeys(ids, 0)
        self.answered: set[str] = set()
        self.is_any_lost = False
        self._publish(create_stored(self.ledger, *ids))
        self.fetching: set[str] = set()
        self.begun: set[str] = set()
        self.leases: dict[str, ScriptCall[list[OutboxJob]]] = {}
        self.tokens = 0

    def teardown(self) -> None:
        """Whatever happened: at Redis' memory limit, jobs with an image are decided; below it, all are answered."""
        if not hasattr(self, "decisions"):
            return
        self.ledger.run(admin.resume(Queue.BULK))
        try:
            self.client.config_set("maxmemory", 1)
            self.client.delete(str(Queue.BULK))
            self._end_leases()
            self._decide_messages()
            assert {self._stage(id_) for id_ in self.decisions} <= {b"received", b"decided", b"answered"}
        finally:
            self.client.config_set("maxmemory", 0)
        self._store_again(set(self.decisions))
        self._decide_messages()
        jobs = self.ledger.run(transitions.lease(Stage.DECIDED, outbox=OUTBOX, limit=100, incarnation="last"))
        assert {job.id for job in jobs} == set(self.decisions) - self.answered

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), worker=workers, doubled=st.booleans(), beats=st.booleans())
    def deliver(self, data: st.DataObject, worker: str, doubled: bool, beats: bool) -> None:
        message = data.draw(st.sampled_from(self.messages))
        if not doubled:
            self.client.lrem(str(Queue.BULK), -1, message)
            self.is_any_lost |= self.client.hexists(f"{KEY_PREFIX}paused_queues", str(Queue.BULK))
        if beats:
            self.ledger.run(transitions.heartbeat(worker, lease_s=5))
        self._claim(message, worker)

    @rule(worker=workers)
    def begin(self, worker: str) -> None:
        held = self._held_by(worker)
        self.ledger.run(transitions.begin(held, incarnation=worker))
        self.begun |= set(held)

    @precondition(lambda self: self.messages)
    @rule()
    def lose_all_messages(self) -> None:
        self.client.delete(str(Queue.BULK))
        self.is_any_lost = True

    @rule(process=st.sampled_from(WORKERS + SENDERS), limit=st.sampled_from([1, 100]))
    def process_dies(self, process: str, limit: int) -> None:
        expire_lease(self.ledger, process)
        self._publish(job.id for job in sweep(self.ledger, self.client, limit=limit))

    @rule()
    def sweep_only(self) -> None:
        is_empty = not self.messages
        self._publish(job.id for job in sweep(self.ledger, self.client))
        if is_empty and not self.client.hexists(f"{KEY_PREFIX}paused_queues", str(Queue.BULK)):
            self.is_any_lost = False

    @rule(paused=st.booleans())
    def pause_or_resume(self, paused: bool) -> None:
        self.ledger.run(admin.pause(Queue.BULK) if paused else admin.resume(Queue.BULK))

    @rule(is_full=st.booleans())
    def fill_redis(self, is_full: bool) -> None:
        self.client.config_set("maxmemory", 1 if is_full else 0)

    @rule()
    def redis_forgets_scripts(self) -> None:
        self.client.script_flush()

    @precondition(lambda self: self.decisions)
    @rule(data=st.data(), stored=st.booleans())
    def replay(self, data: st.DataObject, stored: bool) -> None:
        id_ = self._draw(data)
        try:
            count, pending = self.ledger.run(admin.replay_dead_letters([(id_, stored)], deadline_s=60))
        except OutOfMemoryError:
            return
        self.decisions[id_] -= count
        if count:
            self.answered.discard(id_)
        self._publish(job.id for job in pending)

    @precondition(lambda self: self.decisions)
    @rule(data=st.data(), decision=st.sampled_from([REFUSED, FAILED]))
    def decide(self, data: st.DataObject, decision: Any) -> None:
        id_ = self._draw(data)
        self.decisions[id_] += self.ledger.run(transitions.decide([(id_, decision)]))[0]

    @precondition(lambda self: self.decisions)
    @rule(data=st.data(), worker=workers, is_image_lost=st.booleans())
    def release(self, data: st.DataObject, worker: str, is_image_lost: bool) -> None:
        id_ = self._draw(data)
        if is_image_lost:
            self.store.delete([id_])
        transition = transitions.request_upload if is_image_lost else transitions.release
        self._publish(job.id for job in self.ledger.run(transition([id_], incarnation=worker)))

    @rule(stage=outbox_stages, sender=senders)
    def lease(self, stage: Any, sender: str) -> None:
        self.leases[sender] = transitions.lease(stage, outbox=OUTBOX, limit=3, incarnation=sender)
        self.ledger.run(self.leases[sender])

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def repeat_a_lost_lease(self, data: st.DataObject) -> None:
        """The sender asks again with the same token, after whatever happened meanwhile."""
        sender = data.draw(st.sampled_from(sorted(self.leases)))
        jobs = self.ledger.run(self.leases[sender])
        assert all(self.client.hget(f"{KEY_PREFIX}job:{job.id}", "holder") == sender.encode() for job in jobs)

    @rule(sender=senders)
    def requeue(self, sender: str) -> None:
        self.ledger.run(transitions.requeue(self._held_by(sender), incarnation=sender))

    @rule(sender=senders)
    def store_images_that_were_requested(self, sender: str) -> None:
        """The first half of an upload; much may happen before the second."""
        received = {id_ for id_ in self._held_by(sender) if self._stage(id_) == b"received"}
        try:
            if received and self.store.put(dict.fromkeys(received, b"image")):
                self.fetching |= received
        except OutOfMemoryError:
            return

    @rule()
    def mark_stored_images(self) -> None:
        self._mark_ready()

    @rule(sender=senders)
    def answer(self, sender: str) -> None:
        decided = [id_ for id_ in self._held_by(sender) if self._stage(id_) == b"decided"]
        assert self.ledger.run(transitions.complete(decided, retention_s=60)) == len(decided)
        self.store.delete(decided)
        self.answered |= set(decided)

    @precondition(lambda self: self.decisions)
    @rule(data=st.data())
    def user_deletes(self, data: st.DataObject) -> None:
        id_ = self._draw(data)
        assert self.ledger.run(transitions.delete([id_])) == 1
        self.store.delete([id_])
        del self.decisions[id_]
        self.answered.discard(id_)

    @invariant()
    def the_ledger_is_consistent(self) -> None:
        if not hasattr(self, "decisions"):
            return
        snapshot = Snapshot.take(self.client, sorted(self.decisions))
        self._check_stages(snapshot)
        self._check_holders(snapshot)
        assert {id_ for id_, job in snapshot.jobs.items() if job["suspect"] == "1"} <= self.begun
        self._check_expiry(snapshot)
        self._check_images(snapshot)
        self._check_messages(snapshot)

    def _check_stages(self, snapshot: "Snapshot") -> None:
        """Each job is in one place, and has as many decisions as were kept."""
        leased = [id_ for sender in SENDERS for id_ in snapshot.held[sender]]
        places = [*snapshot.waiting.values(), leased, self.answered]
        assert sorted(id_ for place in places for id_ in place) == sorted(self.decisions)
        decided = {id_ for id_ in leased if snapshot.jobs[id_]["stage"] == "decided"}
        assert snapshot.waiting["decided"] | decided | self.answered == {
            id_ for id_, times in self.decisions.items() if times
        }
        assert max(self.decisions.values(), default=0) <= 1

    def _check_holders(self, snapshot: "Snapshot") -> None:
        """What is held is held by a registered process."""
        for process, held in snapshot.held.items():
            assert held == {id_ for id_, job in snapshot.jobs.items() if job["holder"] == process}
            assert not held or process in snapshot.registered

    def _check_expiry(self, snapshot: "Snapshot") -> None:
        """What was decided expires, and nothing else does."""
        assert not snapshot.waiting["decided"] or snapshot.outbox_ttl > 0
        for id_, times in self.decisions.items():
            assert (snapshot.ttls[id_] > 0) == (times == 1)

    def _check_images(self, snapshot: "Snapshot") -> None:
        """No image outlives its job, in the store or in its budget."""
        allowed = set(self.decisions) - self.answered | self.fetching
        assert snapshot.stored <= allowed
        assert snapshot.reserved <= allowed

    def _check_messages(self, snapshot: "Snapshot") -> None:
        """Unless messages were lost, those that wait are enough for all ready jobs."""
        if not self.is_any_lost:
            assert len(snapshot.waiting["ready"]) <= len(self.messages) * JOBS

    @property
    def messages(self) -> list[str]:
        return [message.decode() for message in self.client.lrange(str(Queue.BULK), 0, -1)]

    def _publish(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            self.client.eval(PUBLISH, 1, str(Queue.BULK), id_)

    def _draw(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.decisions)))

    def _stage(self, id_: str) -> Any:
        return self.client.hget(f"{KEY_PREFIX}job:{id_}", "stage")

    def _held_by(self, process: str) -> list[str]:
        return sorted(id_.decode() for id_ in self.client.smembers(f"{KEY_PREFIX}in_flight:{process}"))

    def _claim(self, message: str, worker: str) -> list[ClaimedJob]:
        """Claim with a message. Its reply is lost, and repeated."""
        self.tokens += 1
        call = transitions.claim(
            [TaskMessage(f"t{self.tokens}", Queue.BULK, [message])], incarnation=worker, max_jobs=JOBS
        )
        (jobs,), (again,) = self.ledger.run(call), self.ledger.run(call)
        assert sorted(job.id for job in again) == sorted(job.id for job in jobs)
        assert len(jobs) <= JOBS
        return jobs

    def _end_leases(self) -> None:
        for process in WORKERS + SENDERS:
            expire_lease(self.ledger, process)
        self._publish(job.id for job in sweep(self.ledger, self.client))

    def _decide_messages(self) -> None:
        """Lost messages are found, and each job that is claimed with a message is decided."""
        self._publish(job.id for job in sweep(self.ledger, self.client))
        while message := self.client.rpop(str(Queue.BULK)):
            for job in self._claim(message.decode(), "last"):
                assert self.ledger.run(transitions.decide([(job.id, REFUSED)])) == [True]
            if not self.messages:
                self._publish(job.id for job in sweep(self.ledger, self.client))

    def _store_again(self, ids: set[str]) -> None:
        received = {id_ for id_ in ids if self._stage(id_) == b"received"}
        if received:
            self.store.put(dict.fromkeys(received, b"image"))
        self.fetching |= received
        self._mark_ready()

    def _mark_ready(self) -> None:
        marked = self.ledger.run(transitions.mark_ready(sorted(self.fetching)))
        self.store.delete(marked.unused)
        self._publish(job.id for job in marked.pending)
        self.fetching.clear()


def test_no_order_of_events_loses_a_job(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    LedgerStateMachine.client = client
    monkeypatch.setattr(script_call, "JOBS_PER_MESSAGE", JOBS)
    script_call.script_source.cache_clear()
    try:
        run_state_machine_as_test(
            LedgerStateMachine,
            settings=settings(
                max_examples=examples(60), stateful_step_count=25, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        client.config_set("maxmemory", 0)
        script_call.script_source.cache_clear()
