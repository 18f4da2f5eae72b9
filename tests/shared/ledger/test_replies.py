"""What the calls return about a job."""

import time
from collections import Counter
from typing import Any

import pytest

from shared.contract.decision import decision_from_json
from shared.contract.names import CONTRACT_VERSION, Queue, Stage
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import NewJob
from shared.ledger.script_call import KEY_PREFIX, ScriptCall
from tests.shared.ledger.steps import FAILED, OUTBOX, REFUSED, claimed, create_received, create_stored, lease, sweep


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
    assert len(ledger.run(call).pending) == 1

    def sweep_after(ms: int) -> int:
        now_ms = round(ledger.run(admin.get_overview()).time_s * 1000)
        client.set(f"{KEY_PREFIX}last_sweep_at", now_ms - ms)
        return len(ledger.run(call).pending)

    # A machine under load may pause for half a second before the second sweep.
    assert not all(sweep_after(0) for _ in range(20))
    assert sweep_after(700) == 1


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


@pytest.mark.parametrize("is_image_lost", [False, True])
def test_a_released_job_belongs_to_nobody(ledger: Ledger, client: Any, is_image_lost: bool) -> None:
    create_stored(ledger, "a")
    claimed(ledger, "a", by="worker-1")
    age(client, "a", "received_at", 20)
    transition = transitions.request_upload if is_image_lost else transitions.release
    ledger.run(transition(["a"], incarnation="worker-1"))
    counts = ledger.run(transitions.get_counts())
    assert (counts.claimed, counts.queues[Queue.BULK].ready) == (0, 0 if is_image_lost else 1)
    assert client.exists(f"{KEY_PREFIX}in_flight:worker-1") == 0
    assert client.hmget(f"{KEY_PREFIX}job:a", "holder", "token") == [b"", b""]
    history = ledger.run(admin.get_history("a"))
    assert history is not None
    assert history.events[-1].name == ("received" if is_image_lost else "ready")
    assert history.events[-1].after_s == pytest.approx(20, abs=3)


def test_images_may_be_stored_before_or_after_their_jobs_are_created(ledger: Ledger, client: Any) -> None:
    create_received(ledger, "a")
    assert ledger.wait_for_outbox_change(OUTBOX, 1), "its owner is asked for the image"
    assert lease(ledger, Stage.RECEIVED, by="bot-1") == ["a"]
    assert create_stored(ledger, "a") == ["a"]
    assert client.exists(f"{KEY_PREFIX}in_flight:bot-1", f"{KEY_PREFIX}received:{OUTBOX}") == 0
    create_received(ledger, "b")
    assert create_stored(ledger, "b") == ["b"]
    assert client.exists(f"{KEY_PREFIX}received:{OUTBOX}") == 0
    create_received(ledger, "c")
    assert lease(ledger, Stage.RECEIVED, by="bot-1") == ["c"]
    assert [job.id for job in ledger.run(transitions.mark_ready(["c"])).pending] == ["c"]
    assert client.exists(f"{KEY_PREFIX}in_flight:bot-1") == 0


def test_a_job_may_be_decided_before_its_image_is_stored(ledger: Ledger, client: Any) -> None:
    create_received(ledger, "a")
    assert ledger.run(transitions.decide([("a", REFUSED)])) == [True]
    assert client.exists(f"{KEY_PREFIX}received:{OUTBOX}") == 0
    assert lease(ledger) == ["a"]


def test_an_owner_sees_its_job_in_any_stage(ledger: Ledger) -> None:
    create_received(ledger, "a", payload="its owner's")
    (received,) = ledger.run(transitions.get_jobs(["a"]))
    assert received is not None
    assert (received.stage, received.language, received.payload, received.decision, received.queue_position) == (
        Stage.RECEIVED,
        "en",
        "its owner's",
        b"",
        None,
    )
    assert received.received_at == pytest.approx(time.time(), abs=60)
    ledger.run(transitions.decide([("a", REFUSED)]))
    ledger.run(transitions.cancel(["a"], retention_s=60))
    (cancelled,) = ledger.run(transitions.get_jobs(["a"]))
    assert cancelled is not None
    assert (cancelled.stage, cancelled.payload, cancelled.decision) == (Stage.CANCELLED, "", b"")


def test_sweep_forgets_a_dead_worker_and_what_it_claimed(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    ledger.run(transitions.heartbeat("worker-1", lease_s=-1, images_per_second=5))
    claimed(ledger, "a", by="worker-1")
    ledger.run(transitions.heartbeat("worker-1", lease_s=-1))
    sweep(ledger, client, grace_s=60)
    assert client.exists(f"{KEY_PREFIX}claimed", f"{KEY_PREFIX}throughputs", f"{KEY_PREFIX}incarnations") == 0


def test_sweep_removes_ids_whose_jobs_are_gone(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", "b")
    claimed(ledger, "b", by="worker-1")
    client.zadd(f"{KEY_PREFIX}ready:{Queue.BULK}", {"gone": 1, "b": 1})
    client.zadd(f"{KEY_PREFIX}deadlines", {"gone": 1})
    assert [job.id for job in sweep(ledger, client)] == ["a"]
    assert client.zrange(f"{KEY_PREFIX}ready:{Queue.BULK}", 0, -1) == [b"a"]
    assert set(client.zrange(f"{KEY_PREFIX}deadlines", 0, -1)) == {b"a", b"b"}


def test_outboxes_and_their_signals_are_forgotten(ledger: Ledger, client: Any) -> None:
    day_ms = 24 * 3600 * 1000
    now_ms = ledger.run(admin.get_overview()).time_s * 1000
    client.zadd(f"{KEY_PREFIX}outboxes", {"bulk:old": now_ms - 8 * day_ms, "bulk:recent": now_ms - 6 * day_ms})
    create_received(ledger, "a")
    assert set(client.zrange(f"{KEY_PREFIX}outboxes", 0, -1)) == {b"bulk:recent", OUTBOX.encode()}
    assert 50 < client.ttl(f"{KEY_PREFIX}outbox_signal:{OUTBOX}") <= 60


def test_a_decision_wakes_its_owner(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    claimed(ledger, "a", by="worker-1")
    assert not ledger.wait_for_outbox_change(OUTBOX, 0.05)
    ledger.run(transitions.decide([("a", REFUSED)]))
    assert ledger.wait_for_outbox_change(OUTBOX, 1)
    assert client.hmget(f"{KEY_PREFIX}job:a", "holder", "token") == [b"", b""]


def test_counts_tell_how_long_the_first_job_of_a_queue_waits(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "first", "second")
    age(client, "first", "received_at", 20)
    age(client, "second", "received_at", 10)
    counts = ledger.run(transitions.get_counts())
    assert (counts.queues[Queue.BULK].ready, counts.queues[Queue.INTERACTIVE].ready) == (2, 0)
    assert counts.queues[Queue.BULK].oldest_s == pytest.approx(20, abs=3)
    assert counts.queues[Queue.INTERACTIVE].oldest_s == 0
    assert (counts.claimed, counts.dead_letters, counts.workers) == (0, 0, 0)


def test_the_overview_tells_ages(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "first", "second", "decided", "later")
    create_received(ledger, "received")
    ledger.run(admin.pause(Queue.INTERACTIVE))
    ledger.run(transitions.decide([("decided", REFUSED), ("later", REFUSED)]))
    age(client, "first", "received_at", 20)
    age(client, "decided", "decided_at", 30)
    client.hincrby(f"{KEY_PREFIX}paused_queues", str(Queue.INTERACTIVE), -40_000)
    overview = ledger.run(admin.get_overview())
    bulk, interactive = overview.queues[Queue.BULK], overview.queues[Queue.INTERACTIVE]
    assert (bulk.ready, bulk.paused_s, interactive.ready, interactive.oldest_s) == (2, None, 0, 0)
    assert bulk.oldest_s == pytest.approx(20, abs=3)
    assert interactive.paused_s == pytest.approx(40, abs=3)
    assert overview.undelivered_ages_s == {"bulk": pytest.approx(30, abs=3)}
    assert [(outbox.name, outbox.kind, outbox.received, outbox.decided) for outbox in overview.outboxes] == [
        (OUTBOX, "bulk", 1, 2)
    ]
    assert (overview.claimed, overview.undecided, overview.dead_letters) == (0, 3, 0)


def test_a_sweep_names_the_jobs_that_missed_their_deadline(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "late", deadline_s=0)
    create_stored(ledger, "in time")
    client.delete(f"{KEY_PREFIX}last_sweep_at")
    assert ledger.run(transitions.recovery_sweep(lease_s=5, grace_s=60, limit=9)).expired == ["late"]


def test_dead_letters_are_counted_by_outbox_and_reason_and_the_count_never_falls(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "failed", "delivered in vain")
    create_stored(ledger, "late", deadline_s=0)
    ledger.run(transitions.decide([("failed", FAILED), ("delivered in vain", REFUSED)]))
    sweep(ledger, client)
    lease(ledger, by="bot-1")
    ledger.run(transitions.dead_letter(["delivered in vain"], incarnation="bot-1", reason="Bad Gateway"))
    assert ledger.run(admin.drop_dead_letters(["failed", "late", "delivered in vain"])).count == 3
    overview = ledger.run(admin.get_overview())
    assert overview.dead_letters == 0
    assert overview.dead_letter_counts == {
        ("bulk", FAILED.reason): 1,
        ("bulk", "deadline"): 1,
        ("bulk", "undeliverable"): 1,
    }


def test_ids_of_an_outbox_are_those_of_its_undecided_and_undelivered_jobs(ledger: Ledger) -> None:
    create_stored(ledger, "ready", "claimed", "decided", "answered")
    create_received(ledger, "received")
    claimed(ledger, "claimed", by="worker-1")
    ledger.run(transitions.decide([("decided", REFUSED), ("answered", REFUSED)]))
    ledger.run(transitions.complete(["answered"], retention_s=60))
    cursor, ids = ledger.run(admin.get_outbox_ids(OUTBOX, cursor="0", limit=100))
    assert (cursor, sorted(ids)) == ("0", ["claimed", "decided", "ready", "received"])
    assert ledger.run(admin.get_outbox_ids("bulk:another", cursor="0", limit=100)) == ("0", [])


def test_jobs_at_workers_are_counted_by_outbox_in_pages(ledger: Ledger) -> None:
    create_stored(ledger, "claimed", "decided", *(f"ready-{number}" for number in range(300)))
    create_received(ledger, "received")
    claimed(ledger, "claimed", by="worker-1")
    ledger.run(transitions.decide([("decided", REFUSED)]))
    counts: Counter[str] = Counter()
    pages, cursor = 0, ""
    while cursor != "0":
        cursor, page = ledger.run(admin.count_at_workers(cursor=cursor or "0", limit=100))
        counts.update(page)
        pages += 1
    assert counts == {OUTBOX: 301}
    assert pages > 1


def test_the_overview_lists_no_outbox_in_which_nothing_waits(ledger: Ledger) -> None:
    create_stored(ledger, "a")
    ledger.run(transitions.decide([("a", REFUSED)]))
    ledger.run(transitions.complete(["a"], retention_s=0))
    assert ledger.run(admin.get_overview()).outboxes == ()


def test_the_overview_lists_the_latest_outboxes_and_every_live_process(ledger: Ledger) -> None:
    ledger.run(transitions.heartbeat("bot-1", lease_s=5))
    ledger.run(transitions.heartbeat("worker-1", lease_s=5))
    ledger.run(transitions.heartbeat("worker-2", lease_s=-1))
    ledger.run(admin.report_status("worker-1", "serving"))
    create_stored(ledger, "a")
    claimed(ledger, "a", by="worker-1")
    processes = ledger.run(admin.get_overview()).processes
    assert [(process.incarnation, process.in_flight, process.serving) for process in processes] == [
        ("bot-1", 0, ""),
        ("worker-1", 1, "serving"),
    ]
    for outbox in ("bulk:1", "bulk:2"):
        jobs = [NewJob(outbox)]
        ledger.run(
            transitions.create_jobs(jobs, queue=Queue.BULK, outbox=outbox, language="en", deadline_s=60, stored=False)
        )
        time.sleep(0.002)
    call = admin.get_overview()
    two = ScriptCall(call.script, (1, *call.arguments[1:]), call.decode_reply)
    assert [outbox.name for outbox in ledger.run(two).outboxes] == ["bulk:2"]
    assert [outbox.name for outbox in ledger.run(call).outboxes] == ["bulk:2", "bulk:1"]


def test_dead_letters_are_listed_up_to_a_limit(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", "b", "c")
    for id_ in ("a", "b", "c"):
        ledger.run(transitions.decide([(id_, FAILED)]))
        time.sleep(0.002)
    assert [letter.id for letter in ledger.run(admin.get_dead_letters(2))] == ["a", "b"]
    assert [letter.id for letter in ledger.run(admin.get_dead_letters(9, ["c", "unknown"]))] == ["c"]
    client.zincrby(f"{KEY_PREFIX}dead_letters", -20_000, "a")
    (letter,) = ledger.run(admin.get_dead_letters(9, ["a"]))
    assert (letter.id, letter.queue, letter.outbox, letter.attempts) == ("a", Queue.BULK, OUTBOX, 0)
    assert letter.age_s == pytest.approx(20, abs=10)
    assert decision_from_json(letter.decision) == FAILED
    client.delete(f"{KEY_PREFIX}job:a")
    assert [letter.id for letter in ledger.run(admin.get_dead_letters(2))] == ["b"]
    assert client.zrange(f"{KEY_PREFIX}dead_letters", 0, -1) == [b"b", b"c"]
