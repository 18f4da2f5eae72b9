"""What an operator does to the ledger: looking changes nothing, pausing and replaying lose nothing."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from shared.contract.decision import Failure, FailureReason, Refusal, RefusalReason
from shared.contract.names import CONTRACT_VERSION, Queue, Stage
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import NewJob, PendingDispatch
from shared.ledger.script_call import KEY_PREFIX
from shared.redis_client.retry import RedisRetry

OUTBOX = "telegram"
REFUSED = Refusal(reason=RefusalReason.DAMAGED)
FAILED = Failure(reason=FailureReason.PREDICT_FAILED)
BULK = Queue.BULK


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def ledger(client: Any) -> Ledger:
    return Ledger(client, RedisRetry("test"))


def open_jobs(ledger: Ledger, *ids: str, stored: bool = True) -> None:
    jobs = [NewJob(id_, payload="its owner's") for id_ in ids]
    ledger.run(transitions.create_jobs(jobs, queue=BULK, outbox=OUTBOX, language="en", deadline_s=60, stored=stored))


def claim(ledger: Ledger, *ids: str, by: str = "worker-1") -> list[str]:
    ledger.run(transitions.heartbeat(by, lease_s=5))
    token = str(time.monotonic_ns())
    return [job.id for job in ledger.run(transitions.claim([(token, id_) for id_ in ids], incarnation=by)) if job]


def sweep(ledger: Ledger, client: Any, *, grace_s: float = 0) -> list[str]:
    client.delete(f"{KEY_PREFIX}last_sweep_at")
    return [job.id for job in ledger.run(transitions.recovery_sweep(lease_s=5, grace_s=grace_s, limit=100))]


def test_a_survey_sees_every_stage(ledger: Ledger) -> None:
    open_jobs(ledger, "sent", stored=False)
    open_jobs(ledger, "ready", "held", "done", "lost")
    claim(ledger, "held")
    ledger.run(transitions.decide([("done", REFUSED), ("lost", FAILED)]))
    ledger.run(admin.report_status("worker-1", '{"artefact": "one"}'))
    seen = ledger.run(admin.get_overview())
    assert seen.stages == {Stage.RECEIVED: 1, Stage.READY: 1, Stage.CLAIMED: 1, Stage.DECIDED: 2}
    assert (seen.undecided, seen.dead_letters) == (3, 1)
    assert [(one.role, one.in_flight, one.serving) for one in seen.processes] == [("worker", 1, '{"artefact": "one"}')]
    assert 0 < seen.processes[0].lease_left_s <= 5
    assert abs(seen.time_s - time.time()) < 60


def test_a_paused_queue_keeps_its_jobs_and_is_not_rung_for(ledger: Ledger, client: Any) -> None:
    open_jobs(ledger, "a", "b")
    assert ledger.run(admin.pause(BULK))
    assert not ledger.run(admin.pause(BULK)), "it is paused already"
    assert claim(ledger, "a", "b") == []
    assert sweep(ledger, client) == [], "no worker may take what a message would ring for"
    seen = ledger.run(admin.get_overview()).queues
    assert (seen[BULK].ready, seen[BULK].paused_s is None, seen[Queue.INTERACTIVE].paused_s) == (2, False, None)
    assert ledger.run(admin.resume(BULK))
    assert sweep(ledger, client) == ["a", "b"], "their messages were spent meanwhile"
    assert claim(ledger, "a", "b") == ["a", "b"]


def test_a_job_in_hand_is_finished_while_its_queue_is_paused(ledger: Ledger) -> None:
    open_jobs(ledger, "a")
    claim(ledger, "a")
    ledger.run(admin.pause(BULK))
    assert ledger.run(transitions.decide([("a", REFUSED)])) == [True]


@pytest.mark.parametrize(("stored", "stage"), [(True, Stage.READY), (False, Stage.RECEIVED)])
def test_a_dead_letter_that_was_told_lives_again(ledger: Ledger, client: Any, stored: bool, stage: Stage) -> None:
    open_jobs(ledger, "a")
    claim(ledger, "a")
    ledger.run(transitions.decide([("a", FAILED)]))
    ledger.run(transitions.complete(["a"], retention_s=0))
    assert [letter.id for letter in ledger.run(admin.get_dead_letters(10))] == ["a"]
    number, owed = ledger.run(admin.replay_dead_letters([("a", stored)], deadline_s=60))
    assert (number, owed) == (1, [PendingDispatch(BULK, "a")] if stored else [])
    found = ledger.run(admin.get_history("a"))
    assert found is not None
    assert (found.stage, found.attempts, found.decision) == (stage, 0, b"")
    assert ledger.run(admin.get_dead_letters(10)) == []
    if not stored:
        waiting = ledger.run(transitions.lease(Stage.RECEIVED, outbox=OUTBOX, limit=10, incarnation="bot-1"))
        assert [(job.id, job.payload) for job in waiting] == [("a", "its owner's")]
        ledger.run(transitions.mark_ready(["a"]))
    assert claim(ledger, "a") == ["a"]
    assert ledger.run(transitions.decide([("a", REFUSED)])) == [True], "the new decision is the first one of this life"
    assert ledger.run(transitions.complete(["a"], retention_s=0)) == 1
    assert client.keys(f"{KEY_PREFIX}job:*") == []


def test_a_dead_letter_on_its_way_to_a_person_is_taken_back(ledger: Ledger, client: Any) -> None:
    open_jobs(ledger, "a")
    ledger.run(transitions.decide([("a", FAILED)]))
    ledger.run(transitions.lease(Stage.DECIDED, outbox=OUTBOX, limit=10, incarnation="bot-1"))
    ledger.run(admin.replay_dead_letters([("a", True)], deadline_s=60))
    assert ledger.run(transitions.complete(["a"], retention_s=0)) == 0, "the answer that was under way closes nothing"
    assert client.smembers(f"{KEY_PREFIX}in_flight:bot-1") == set()
    assert claim(ledger, "a") == ["a"]


@pytest.mark.parametrize(
    ("opened", "lives_on"), [(CONTRACT_VERSION - 1, CONTRACT_VERSION), (CONTRACT_VERSION + 1,) * 2]
)
def test_a_dead_letter_is_brought_to_our_contract_and_never_back(
    ledger: Ledger, client: Any, opened: int, lives_on: int
) -> None:
    open_jobs(ledger, "a")
    client.hset(f"{KEY_PREFIX}job:a", "contract", opened)
    ledger.run(transitions.decide([("a", FAILED)]))
    ledger.run(admin.replay_dead_letters([("a", True)], deadline_s=60))
    (job,) = ledger.run(transitions.claim([("token", "a")], incarnation="worker-1"))
    assert job is not None
    assert job.contract == lives_on


def test_only_dead_letters_live_again(ledger: Ledger) -> None:
    open_jobs(ledger, "ready", "refused")
    ledger.run(transitions.decide([("refused", REFUSED)]))
    assert ledger.run(
        admin.replay_dead_letters([("ready", True), ("refused", True), ("none", True)], deadline_s=60)
    ) == (0, [])


def test_dropping_forgets_what_was_told_and_still_tells_what_was_not(ledger: Ledger, client: Any) -> None:
    open_jobs(ledger, "told", "untold")
    ledger.run(transitions.decide([("told", FAILED), ("untold", FAILED)]))
    ledger.run(transitions.complete(["told"], retention_s=0))
    assert ledger.run(admin.drop_dead_letters(["told", "untold", "unknown"])) == 2
    assert ledger.run(admin.get_history("told")) is None
    assert [job.id for job in ledger.run(transitions.peek(Stage.DECIDED, outbox=OUTBOX, limit=9))] == ["untold"]
    assert client.ttl(f"{KEY_PREFIX}job:untold") > 0


def test_a_life_is_told_with_its_times(ledger: Ledger, client: Any) -> None:
    open_jobs(ledger, "a")
    claim(ledger, "a", by="worker-1")
    client.zadd(f"{KEY_PREFIX}incarnations", {"worker-1": 1})
    sweep(ledger, client, grace_s=60)
    claim(ledger, "a", by="worker-2")
    ledger.run(transitions.decide([("a", REFUSED)]))
    told = ledger.run(admin.get_history("a"))
    assert told is not None
    assert [(event.name, event.incarnation) for event in told.events] == [
        ("ready", ""),
        ("claimed", "worker-1"),
        ("lost", ""),
        ("ready", ""),
        ("claimed", "worker-2"),
        ("decided", ""),
    ]
    times = [event.after_s for event in told.events]
    assert times == sorted(times)
    assert told.suspect
    assert not told.is_truncated


def test_a_long_life_stays_small(ledger: Ledger, client: Any) -> None:
    open_jobs(ledger, "a")
    for number in range(100):
        claim(ledger, "a", by=f"worker-{number:016}")
        ledger.run(transitions.release(["a"], incarnation=f"worker-{number:016}"))
    told = ledger.run(admin.get_history("a"))
    assert told is not None
    assert told.is_truncated
    assert told.events[-1].name == "ready"
    assert told.events[-2].incarnation == f"worker-{99:016}"
    assert client.hstrlen(f"{KEY_PREFIX}job:a", "history") < 700


def test_a_waiting_job_stays_in_the_small_form(ledger: Ledger, client: Any) -> None:
    open_jobs(ledger, "a")
    claim(ledger, "a", by="worker-0123456789abcdef")
    assert client.object("encoding", f"{KEY_PREFIX}job:a") == b"listpack"


def test_the_way_back_is_remembered(ledger: Ledger) -> None:
    assert ledger.run(admin.set_desired_model("", instead_of="one")) == ("", ""), "there is none before the first"
    assert ledger.run(admin.report_status("worker-1", "{}")) == ("", False)
    assert ledger.run(admin.set_desired_model("two", instead_of="one")) == ("two", "one")
    assert ledger.run(admin.set_desired_model("two", instead_of="one")) == ("two", "one"), "once more changes nothing"
    assert ledger.run(admin.report_status("worker-1", "{}")) == ("two", False)
    assert ledger.run(admin.set_desired_model("", instead_of="one")) == ("one", "two")


def test_a_worker_is_told_to_stop(ledger: Ledger) -> None:
    assert not ledger.run(admin.request_drain("worker-1")), "it does not live"
    ledger.run(transitions.heartbeat("worker-1", lease_s=5))
    assert ledger.run(admin.request_drain("worker-1"))
    assert ledger.run(admin.report_status("worker-1", "{}")) == ("", True)
    assert ledger.run(admin.report_status("worker-2", "{}")) == ("", False)


def test_an_answer_that_was_not_deliverable_is_delivered_again(ledger: Ledger) -> None:
    open_jobs(ledger, "a")
    ledger.run(transitions.decide([("a", REFUSED)]))
    ledger.run(transitions.lease(Stage.DECIDED, outbox=OUTBOX, limit=10, incarnation="bot-1"))
    ledger.run(transitions.dead_letter(["a"], incarnation="bot-1", reason="blocked"))
    assert ledger.run(admin.replay_dead_letters([("a", False)], deadline_s=60)) == (1, [])
    again = ledger.run(transitions.lease(Stage.DECIDED, outbox=OUTBOX, limit=10, incarnation="bot-1"))
    assert [job.id for job in again] == ["a"], "with the decision that it had"


def test_a_full_redis_still_obeys_its_operator(ledger: Ledger, client: Any) -> None:
    open_jobs(ledger, "a")
    ledger.run(transitions.decide([("a", FAILED)]))
    client.config_set("maxmemory", 1)
    try:
        assert ledger.run(admin.get_overview()).dead_letters == 1
        assert ledger.run(transitions.get_counts()).dead_letters == 1
        assert ledger.run(admin.pause(BULK))
        assert ledger.run(admin.get_history("a")) is not None
        assert ledger.run(admin.drop_dead_letters(["a"])) == 1
    finally:
        client.config_set("maxmemory", 0)
