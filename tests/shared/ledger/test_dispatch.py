"""Few messages under load: the ledger says when one is owed, and a message claims more jobs than it names."""

from collections.abc import Iterable
from typing import Any

from shared.contract.names import Queue
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import ClaimedJob, TaskMessage
from shared.ledger.script_call import JOBS_PER_MESSAGE
from tests.shared.ledger.steps import create_received, create_stored, sweep

BULK = Queue.BULK

#: While fewer messages wait, each job gets its own.
SHORT_QUEUE = 8


def names(count: int, prefix: str = "job") -> list[str]:
    return [f"{prefix}-{number:03}" for number in range(count)]


def publish(client: Any, ids: Iterable[str], queue: Queue = BULK) -> None:
    for id_ in ids:
        client.lpush(str(queue), id_)


def take(client: Any, ledger: Ledger, count: int = 1, *, by: str = "worker-1") -> list[list[str]]:
    """Take messages from the queue and claim with them in one call. Returns the ids of each message's jobs."""
    messages = [client.rpop(str(BULK)).decode() for _ in range(count)]
    call = transitions.claim([TaskMessage(f"token of {id_}", BULK, [id_]) for id_ in messages], incarnation=by)
    return [ids(jobs) for jobs in ledger.run(call)]


def ids(jobs: Iterable[ClaimedJob]) -> list[str]:
    return [job.id for job in jobs]


def test_each_job_gets_its_own_message_while_the_queue_is_short(ledger: Ledger, client: Any) -> None:
    for id_ in names(SHORT_QUEUE):
        assert create_stored(ledger, id_) == [id_]
        publish(client, [id_])
    assert create_stored(ledger, "one more") == []


def test_an_idle_worker_claims_what_the_message_names(ledger: Ledger, client: Any) -> None:
    publish(client, create_stored(ledger, "a", "b", "c"))
    assert [take(client, ledger) for _ in range(3)] == [[["a"]], [["b"]], [["c"]]]


def test_messages_taken_at_the_same_time_share_the_jobs(ledger: Ledger, client: Any) -> None:
    publish(client, create_stored(ledger, "a", "b", "c"))
    assert take(client, ledger, 3) == [["a"], ["b"], ["c"]]


def test_a_backlog_gets_one_message_for_many_jobs(ledger: Ledger, client: Any) -> None:
    jobs_ready = names(25 * JOBS_PER_MESSAGE)
    owed = create_stored(ledger, *jobs_ready)
    assert len(owed) == 25
    publish(client, owed)
    claimed = [take(client, ledger)[0] for _ in owed]
    assert {len(jobs) for jobs in claimed} == {JOBS_PER_MESSAGE}
    assert sorted(id_ for jobs in claimed for id_ in jobs) == jobs_ready


def test_mark_ready_owes_no_message_for_what_waiting_messages_cover(ledger: Ledger, client: Any) -> None:
    publish(client, create_stored(ledger, *names(SHORT_QUEUE)))
    create_received(ledger, "later")
    assert ledger.run(transitions.mark_ready(["later"])).pending == []


def test_a_message_claims_the_oldest_jobs_first(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "first", "second")
    publish(client, create_stored(ledger, "third"))
    assert take(client, ledger) == [["third", "first", "second"]]


def test_a_message_whose_job_is_gone_claims_another(ledger: Ledger, client: Any) -> None:
    publish(client, create_stored(ledger, "gone"))
    ledger.run(transitions.delete(["gone"]))
    create_stored(ledger, "a")
    assert take(client, ledger) == [["a"]]


def test_a_message_without_any_job_claims_nothing(ledger: Ledger, client: Any) -> None:
    publish(client, ["gone"])
    assert take(client, ledger) == [[]]


def test_a_message_claims_from_its_own_queue_only(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "chat", queue=Queue.INTERACTIVE)
    publish(client, create_stored(ledger, "folder"))
    assert take(client, ledger) == [["folder"]]


def test_a_paused_queue_is_not_claimed_beyond_the_message(ledger: Ledger, client: Any) -> None:
    publish(client, create_stored(ledger, "a", "b")[:1])
    client.hset("melanoma:paused_queues", "bulk", 1)
    assert take(client, ledger) == [[]]


def test_a_lost_message_is_made_good_by_the_next_of_its_queue(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "lost")
    publish(client, create_stored(ledger, "next"))
    assert sweep(ledger, client) == [], "the message that waits will claim both"
    assert take(client, ledger) == [["next", "lost"]]


def test_released_jobs_get_as_many_messages_as_they_need(ledger: Ledger, client: Any) -> None:
    all_jobs = names(25 * JOBS_PER_MESSAGE)
    create_stored(ledger, *all_jobs)
    ledger.run(transitions.claim([TaskMessage("t", BULK, all_jobs)], incarnation="worker-1"))
    owed = ledger.run(transitions.release(all_jobs, incarnation="worker-1"))
    assert len(owed) == 25


def test_a_lost_reply_is_repeated_with_all_jobs_of_the_message(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, *names(5))
    call = transitions.claim(
        [TaskMessage("one", BULK, ["job-004"]), TaskMessage("two", BULK, ["job-000"])], incarnation="worker-1"
    )
    first = ledger.run(call)
    assert sum(map(len, first)) == 5
    create_stored(ledger, "later")
    repeated = ledger.run(call)
    assert [sorted(ids(jobs)) for jobs in repeated] == [sorted(ids(jobs)) for jobs in first]
    assert {job.attempts for jobs in repeated for job in jobs} == {1}
    assert 0 < client.ttl("melanoma:last_claim:worker-1") <= 24 * 3600


def test_a_reply_that_could_not_be_read_is_repeated_for_one_message(ledger: Ledger) -> None:
    create_stored(ledger, *names(4))
    one, two = TaskMessage("one", BULK, ["job-000"]), TaskMessage("two", BULK, ["job-001"])
    claimed = ledger.run(transitions.claim([one, two], incarnation="worker-1"))
    (again,) = ledger.run(transitions.claim([two], incarnation="worker-1", repeat=True))
    assert sorted(ids(again)) == sorted(ids(claimed[1]))
    assert ledger.run(transitions.claim([two], incarnation="worker-2", repeat=True)) == [[]]


def test_release_by_token_returns_what_the_message_claimed_and_no_more(ledger: Ledger) -> None:
    create_stored(ledger, *names(4))
    mine, other = TaskMessage("mine", BULK, ["job-000"]), TaskMessage("other", BULK, ["job-001"])
    claimed = ledger.run(transitions.claim([mine, other], incarnation="worker-1"))
    released = ledger.run(transitions.release([], incarnation="worker-1", token="mine"))
    assert sorted(job.id for job in released) == sorted(ids(claimed[0]))
