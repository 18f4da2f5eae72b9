"""Calls of operators: to read changes nothing; to pause or replay loses no job."""

import time
from typing import Any

import pytest

from shared.contract.decision import Failure, FailureReason, Refusal, RefusalReason
from shared.contract.names import CONTRACT_VERSION, LEDGER_VERSION, Queue, Stage
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import NewJob, PendingDispatch, TaskMessage
from shared.ledger.script_call import KEY_PREFIX

OUTBOX = "telegram"
REFUSED = Refusal(reason=RefusalReason.DAMAGED)
FAILED = Failure(reason=FailureReason.PREDICT_FAILED)
BULK = Queue.BULK


def create_jobs(ledger: Ledger, *ids: str, stored: bool = True) -> None:
    jobs = [NewJob(id_, payload="its owner's") for id_ in ids]
    ledger.run(transitions.create_jobs(jobs, queue=BULK, outbox=OUTBOX, language="en", deadline_s=60, stored=stored))


def claim(ledger: Ledger, *ids: str, by: str = "worker-1") -> list[str]:
    ledger.run(transitions.heartbeat(by, lease_s=5))
    message = TaskMessage(str(time.monotonic_ns()), BULK, ids)
    return [job.id for job in ledger.run(transitions.claim([message], incarnation=by, max_jobs=0))[0]]


def sweep(ledger: Ledger, client: Any, *, grace_s: float = 0) -> list[str]:
    client.delete(f"{KEY_PREFIX}last_sweep_at")
    return [job.id for job in ledger.run(transitions.recovery_sweep(lease_s=5, grace_s=grace_s, limit=100)).pending]


def test_overview_counts_every_stage(ledger: Ledger) -> None:
    create_jobs(ledger, "sent", stored=False)
    create_jobs(ledger, "ready", "held", "done", "lost")
    claim(ledger, "held")
    ledger.run(transitions.decide([("done", REFUSED), ("lost", FAILED)]))
    ledger.run(admin.report_status("worker-1", '{"artefact": "one"}'))
    overview = ledger.run(admin.get_overview())
    assert overview.stages == {Stage.RECEIVED: 1, Stage.READY: 1, Stage.CLAIMED: 1, Stage.DECIDED: 2}
    assert (overview.undecided, overview.dead_letters) == (3, 1)
    assert [(process.role, process.in_flight, process.serving) for process in overview.processes] == [
        ("worker", 1, '{"artefact": "one"}')
    ]
    assert 0 < overview.processes[0].lease_left_s <= 5
    assert abs(overview.time_s - time.time()) < 60


def test_pause_keeps_jobs_and_publishes_no_messages(ledger: Ledger, client: Any) -> None:
    create_jobs(ledger, "a", "b")
    assert ledger.run(admin.pause(BULK))
    assert not ledger.run(admin.pause(BULK)), "it is paused already"
    assert claim(ledger, "a", "b") == []
    assert sweep(ledger, client) == [], "no worker may claim the jobs of such a message"
    queues = ledger.run(admin.get_overview()).queues
    assert (queues[BULK].ready, queues[BULK].paused_s is None, queues[Queue.INTERACTIVE].paused_s) == (2, False, None)
    assert ledger.run(admin.resume(BULK))
    assert sweep(ledger, client) == ["a", "b"], "workers dropped their messages meanwhile"
    assert claim(ledger, "a", "b") == ["a", "b"]


def test_pause_lets_a_job_in_flight_finish(ledger: Ledger) -> None:
    create_jobs(ledger, "a")
    claim(ledger, "a")
    ledger.run(admin.pause(BULK))
    assert ledger.run(transitions.decide([("a", REFUSED)])) == [True]


@pytest.mark.parametrize(("stored", "stage"), [(True, Stage.READY), (False, Stage.RECEIVED)])
def test_replay_processes_an_answered_dead_letter_again(
    ledger: Ledger, client: Any, stored: bool, stage: Stage
) -> None:
    create_jobs(ledger, "a")
    claim(ledger, "a")
    ledger.run(transitions.decide([("a", FAILED)]))
    ledger.run(transitions.complete(["a"], retention_s=0))
    assert [letter.id for letter in ledger.run(admin.get_dead_letters(10))] == ["a"]
    count, pending = ledger.run(admin.replay_dead_letters([("a", stored)], deadline_s=60))
    assert (count, pending) == (1, [PendingDispatch(BULK, "a")] if stored else [])
    history = ledger.run(admin.get_history("a"))
    assert history is not None
    assert (history.stage, history.attempts, history.decision) == (stage, 0, b"")
    assert ledger.run(admin.get_dead_letters(10)) == []
    if not stored:
        received = ledger.run(transitions.lease(Stage.RECEIVED, outbox=OUTBOX, limit=10, incarnation="bot-1"))
        assert [(job.id, job.payload) for job in received] == [("a", "its owner's")]
        ledger.run(transitions.mark_ready(["a"]))
    assert claim(ledger, "a") == ["a"]
    assert ledger.run(transitions.decide([("a", REFUSED)])) == [True], (
        "the new decision is the first one since the replay"
    )
    assert ledger.run(transitions.complete(["a"], retention_s=0)) == 1
    assert client.keys(f"{KEY_PREFIX}job:*") == []


def test_replay_ends_the_lease_of_a_dead_letter_in_delivery(ledger: Ledger, client: Any) -> None:
    create_jobs(ledger, "a")
    ledger.run(transitions.decide([("a", FAILED)]))
    ledger.run(transitions.lease(Stage.DECIDED, outbox=OUTBOX, limit=10, incarnation="bot-1"))
    ledger.run(admin.replay_dead_letters([("a", True)], deadline_s=60))
    assert ledger.run(transitions.complete(["a"], retention_s=0)) == 0, "the answer in delivery completes nothing"
    assert client.smembers(f"{KEY_PREFIX}in_flight:bot-1") == set()
    assert claim(ledger, "a") == ["a"]


@pytest.mark.parametrize(
    ("created", "expected"), [(CONTRACT_VERSION - 1, CONTRACT_VERSION), (CONTRACT_VERSION + 1,) * 2]
)
def test_replay_raises_the_contract_and_never_lowers_it(
    ledger: Ledger, client: Any, created: int, expected: int
) -> None:
    create_jobs(ledger, "a")
    client.hset(f"{KEY_PREFIX}job:a", "contract", created)
    ledger.run(transitions.decide([("a", FAILED)]))
    ledger.run(admin.replay_dead_letters([("a", True)], deadline_s=60))
    ((job,),) = ledger.run(transitions.claim([TaskMessage("token", BULK, ["a"])], incarnation="worker-1"))
    assert job.contract == expected


def test_replay_ignores_all_but_dead_letters(ledger: Ledger) -> None:
    create_jobs(ledger, "ready", "refused")
    ledger.run(transitions.decide([("refused", REFUSED)]))
    assert ledger.run(
        admin.replay_dead_letters([("ready", True), ("refused", True), ("none", True)], deadline_s=60)
    ) == (0, [])


def test_history_lists_events_with_their_times(ledger: Ledger, client: Any) -> None:
    create_jobs(ledger, "a")
    claim(ledger, "a", by="worker-1")
    ledger.run(transitions.begin(["a"], incarnation="worker-1"))
    client.zadd(f"{KEY_PREFIX}incarnations", {"worker-1": 1})
    sweep(ledger, client, grace_s=60)
    claim(ledger, "a", by="worker-2")
    ledger.run(transitions.decide([("a", REFUSED)]))
    history = ledger.run(admin.get_history("a"))
    assert history is not None
    assert [(event.name, event.incarnation) for event in history.events] == [
        ("ready", ""),
        ("claimed", "worker-1"),
        ("lost", ""),
        ("ready", ""),
        ("claimed", "worker-2"),
        ("decided", ""),
    ]
    times = [event.after_s for event in history.events]
    assert times == sorted(times)
    assert history.suspect
    assert not history.is_truncated


def test_history_is_truncated_when_it_grows_long(ledger: Ledger, client: Any) -> None:
    create_jobs(ledger, "a")
    for count in range(100):
        claim(ledger, "a", by=f"worker-{count:016}")
        ledger.run(transitions.release(["a"], incarnation=f"worker-{count:016}"))
    history = ledger.run(admin.get_history("a"))
    assert history is not None
    assert history.is_truncated
    assert history.events[-1].name == "ready"
    assert history.events[-2].incarnation == f"worker-{99:016}"
    assert 300 <= client.hstrlen(f"{KEY_PREFIX}job:a", "history") < 700


def test_a_claimed_job_is_stored_as_a_listpack(ledger: Ledger, client: Any) -> None:
    create_jobs(ledger, "a")
    claim(ledger, "a", by="worker-0123456789abcdef")
    assert client.object("encoding", f"{KEY_PREFIX}job:a") == b"listpack"


def test_set_desired_model_remembers_the_previous_model(ledger: Ledger) -> None:
    assert ledger.run(admin.set_desired_model("", instead_of="one")) == ("", ""), "there is no previous model"
    assert ledger.run(admin.report_status("worker-1", "{}")) == ("", False)
    assert ledger.run(admin.set_desired_model("two", instead_of="one")) == ("two", "one")
    assert ledger.run(admin.set_desired_model("two", instead_of="one")) == ("two", "one"), (
        "repeating it changes nothing"
    )
    assert ledger.run(admin.report_status("worker-1", "{}")) == ("two", False)
    back = admin.set_desired_model("", instead_of="one")
    assert ledger.run(back) == ("one", "two")
    assert ledger.run(back) == ("one", "two"), "its first reply was lost"
    assert ledger.run(admin.report_status("worker-1", "{}")) == ("one", False)
    assert ledger.run(admin.set_desired_model("", instead_of="one")) == ("two", "one"), "asked again, it switches again"


def test_request_drain_reaches_a_live_worker(ledger: Ledger) -> None:
    assert not ledger.run(admin.request_drain("worker-1")), "it is not alive"
    ledger.run(transitions.heartbeat("worker-1", lease_s=5))
    assert ledger.run(admin.request_drain("worker-1"))
    assert ledger.run(admin.report_status("worker-1", "{}")) == ("", True)
    assert ledger.run(admin.report_status("worker-2", "{}")) == ("", False)


def test_a_full_redis_still_obeys_its_operator(ledger: Ledger, client: Any) -> None:
    create_jobs(ledger, "a")
    ledger.run(transitions.decide([("a", FAILED)]))
    client.config_set("maxmemory", 1)
    try:
        assert ledger.run(admin.get_overview()).dead_letters == 1
        assert ledger.run(transitions.get_counts()).dead_letters == 1
        assert ledger.run(admin.pause(BULK))
        assert ledger.run(admin.get_history("a")) is not None
        assert ledger.run(admin.drop_dead_letters(["a"])).count == 1
    finally:
        client.config_set("maxmemory", 0)


def test_the_first_process_sets_the_version_of_the_ledger(ledger: Ledger, client: Any) -> None:
    assert ledger.run(admin.get_version()) == LEDGER_VERSION
    assert client.get(f"{KEY_PREFIX}version") == str(LEDGER_VERSION).encode()
    client.set(f"{KEY_PREFIX}version", LEDGER_VERSION + 1)
    assert ledger.run(admin.get_version()) == LEDGER_VERSION + 1


def test_a_ledger_of_the_first_version_is_known_by_its_sweep(ledger: Ledger, client: Any) -> None:
    client.set(f"{KEY_PREFIX}swept_at", 1)
    assert ledger.run(admin.get_version()) == 1
    assert not client.exists(f"{KEY_PREFIX}version")


def test_a_report_forgets_the_status_of_dead_workers(ledger: Ledger, client: Any) -> None:
    ledger.run(transitions.heartbeat("worker-1", lease_s=5))
    for name in ("worker-1", "dead"):
        ledger.run(admin.report_status(name, "{}"))
    ledger.run(admin.report_status("worker-1", "{}"))
    assert client.hkeys(f"{KEY_PREFIX}worker_status") == [b"worker-1"]


def test_several_overrides_are_written_at_once(ledger: Ledger) -> None:
    both = {"telegram_per_s": "20", "user_burst": "5"}
    assert ledger.run(admin.sync_overrides(*both.items())) == both
    assert ledger.run(admin.sync_overrides(("user_burst", ""))) == {"telegram_per_s": "20"}
