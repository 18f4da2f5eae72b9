"""Dead letters wait for an operator for thirty days. Then, or once they are dropped, nothing of them is kept."""

from typing import Any

import pytest

from shared.contract.names import Queue, Stage
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import DroppedDeadLetters
from shared.ledger.script_call import KEY_PREFIX
from tests.shared.ledger.steps import FAILED, OUTBOX, REFUSED, claimed, create_stored, decided, lease, sweep

MONTH_S = 30 * 24 * 3600


def give_up_delivery(ledger: Ledger, *ids: str) -> None:
    """An answer that Telegram refuses."""
    create_stored(ledger, *ids)
    ledger.run(transitions.decide([(id_, REFUSED) for id_ in ids]))
    lease(ledger, by="bot-1")
    assert ledger.run(transitions.dead_letter(ids, incarnation="bot-1", reason="refused")) == len(ids)


def dead_letters(ledger: Ledger) -> list[str]:
    return [letter.id for letter in ledger.run(admin.get_dead_letters(10))]


def test_complete_keeps_a_dead_letter(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    ledger.run(transitions.decide([("a", FAILED)]))
    ledger.run(transitions.complete(["a"], retention_s=0))
    assert dead_letters(ledger) == ["a"]
    assert MONTH_S - 5 <= client.ttl(f"{KEY_PREFIX}job:a") <= MONTH_S, "it says whose job it was"


def test_an_undeliverable_answer_becomes_a_dead_letter_of_its_holder(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    ledger.run(transitions.decide([("a", REFUSED)]))
    lease(ledger, by="bot-1")
    assert ledger.run(transitions.dead_letter(["a"], incarnation="another", reason="refused")) == 0
    assert ledger.run(transitions.dead_letter(["a"], incarnation="bot-1", reason="refused")) == 1
    assert dead_letters(ledger) == ["a"]
    assert MONTH_S - 5 <= client.ttl(f"{KEY_PREFIX}job:a") <= MONTH_S
    assert client.smembers(f"{KEY_PREFIX}in_flight:bot-1") == set()
    fields = client.hmget(f"{KEY_PREFIX}job:a", "holder", "undeliverable_reason")
    assert fields == [b"", b"refused"]
    sweep(ledger, client)
    assert decided(ledger) == {}, "it is not delivered again by itself"


def test_replay_delivers_an_undeliverable_answer_again(ledger: Ledger, client: Any) -> None:
    give_up_delivery(ledger, "a")
    assert ledger.run(admin.replay_dead_letters([("a", False)], deadline_s=60)) == (1, [])
    assert dead_letters(ledger) == []
    assert client.ttl(f"{KEY_PREFIX}decided:{OUTBOX}") > 0
    assert 0 < client.ttl(f"{KEY_PREFIX}job:a") <= 7 * 24 * 3600
    assert ledger.wait_for_outbox_change(OUTBOX, 1)
    assert lease(ledger) == ["a"], "with the decision that it had"


def test_replayed_jobs_are_decided_as_if_they_were_new(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a", "b")
    claimed(ledger, "a", by="worker-1")
    ledger.run(transitions.decide([("a", FAILED), ("b", FAILED)]))
    ledger.run(transitions.complete(["b"], retention_s=60))
    count, pending = ledger.run(admin.replay_dead_letters([("a", True), ("b", True)], deadline_s=300))
    assert (count, [job.id for job in pending]) == (2, ["a", "b"])
    assert ledger.run(transitions.get_counts()).queues[Queue.BULK].ready == 2
    assert decided(ledger) == {}, "the failure is not delivered any more"
    assert client.ttl(f"{KEY_PREFIX}job:a") == -1
    assert not client.hexists(f"{KEY_PREFIX}job:a", "decided_at")
    overview = ledger.run(admin.get_overview())
    assert client.zscore(f"{KEY_PREFIX}deadlines", "a") / 1000 - overview.time_s == pytest.approx(300, abs=10)
    (job,) = claimed(ledger, "a", by="worker-2")
    assert job.attempts == 1
    assert job.remaining_s == pytest.approx(300, abs=10)
    history = ledger.run(admin.get_history("a"))
    assert history is not None
    assert [event.name for event in history.events][-3:] == ["replayed", "ready", "claimed"]


@pytest.mark.parametrize("undeliverable", [False, True])
def test_drop_leaves_nothing_of_a_dead_letter_that_nobody_is_to_get(
    ledger: Ledger, client: Any, undeliverable: bool
) -> None:
    if undeliverable:
        give_up_delivery(ledger, "a")
    else:
        create_stored(ledger, "a")
        ledger.run(transitions.decide([("a", FAILED)]))
        ledger.run(transitions.complete(["a"], retention_s=60))
    assert ledger.run(admin.drop_dead_letters(["a", "unknown"])) == DroppedDeadLetters(1, ["a"])
    assert client.keys(f"{KEY_PREFIX}job:*") == []
    assert dead_letters(ledger) == []


def test_drop_keeps_a_failure_that_is_still_to_be_delivered(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    ledger.run(transitions.decide([("a", FAILED)]))
    assert ledger.run(admin.drop_dead_letters(["a"])) == DroppedDeadLetters(1, [])
    assert decided(ledger) == {"a": "failure"}
    assert 0 < client.ttl(f"{KEY_PREFIX}job:a") <= 7 * 24 * 3600
    assert dead_letters(ledger) == []


def test_the_sweep_forgets_dead_letters_after_a_month(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "old", "new")
    ledger.run(transitions.decide([("old", FAILED), ("new", FAILED)]))
    ledger.run(transitions.complete(["old", "new"], retention_s=0))
    client.delete(f"{KEY_PREFIX}job:old")  # its time to live is over
    client.zincrby(f"{KEY_PREFIX}dead_letters", -MONTH_S * 1000 - 1, "old")
    client.zincrby(f"{KEY_PREFIX}dead_letters", -MONTH_S * 1000 + 60_000, "new")
    sweep(ledger, client)
    assert ledger.run(transitions.get_counts()).dead_letters == 1
    assert dead_letters(ledger) == ["new"]


def test_a_cancelled_record_says_no_longer_whose_it_was(ledger: Ledger, client: Any) -> None:
    create_stored(ledger, "a")
    ledger.run(transitions.decide([("a", REFUSED)]))
    lease(ledger, by="bot-1")
    assert ledger.run(transitions.cancel(["a"], retention_s=60)) == 1
    record = client.hgetall(f"{KEY_PREFIX}job:a")
    assert not {b"payload", b"decision"} & set(record)
    assert (record[b"stage"], record[b"holder"]) == (b"cancelled", b"")
    assert 0 < client.ttl(f"{KEY_PREFIX}job:a") <= 60
    assert client.smembers(f"{KEY_PREFIX}in_flight:bot-1") == set()
    assert lease(ledger) == []
    history = ledger.run(admin.get_history("a"))
    assert history is not None
    assert history.stage is Stage.CANCELLED
