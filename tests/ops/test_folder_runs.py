"""`melanoma-ops runs` on a real ledger."""

from typing import Any

import pytest

from ops import folder_runs
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from tests.ops.harness import FAILED, create_jobs, run_ops


def create_run(ledger: Ledger, client: Any, name: str, jobs: int) -> list[str]:
    """A folder run: of its jobs one is decided, the others wait for a worker."""
    ids = [f"{name}-{number}" for number in range(jobs)]
    create_jobs(ledger, *ids, outbox=f"bulk:{name}")
    ledger.run(transitions.decide([(ids[0], FAILED)]))
    for id_ in ids:
        client.set(f"melanoma:image:bytes:{id_}", b"an image")
    return ids


def test_a_run_that_was_killed_is_listed_and_dropped_with_its_images(
    ledger: Ledger, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Several pages.
    monkeypatch.setattr(folder_runs, "_PAGE", 2)
    create_run(ledger, client, "killed", 9)
    kept = create_run(ledger, client, "other", 2)
    create_jobs(ledger, "of the chat")
    status = run_ops("status").output
    assert "(melanoma-ops runs list)" in status
    assert "answers" not in status, "no person waits for one"
    listed = run_ops("runs", "list").output
    assert "killed" in listed
    assert "none" in listed
    assert "9 jobs of 1 folder runs deleted" in run_ops("runs", "drop", "killed").output
    assert {key.decode() for key in client.keys("melanoma:image:bytes:*")} == {
        f"melanoma:image:bytes:{id_}" for id_ in kept
    }
    assert {key.decode() for key in client.keys("melanoma:job:*")} == {
        f"melanoma:job:{id_}" for id_ in [*kept, "of the chat"]
    }
    assert "killed" not in run_ops("runs", "list").output


def test_a_run_whose_command_lives_is_not_dropped(ledger: Ledger, client: Any) -> None:
    create_run(ledger, client, "alive", 2)
    ledger.run(transitions.heartbeat("bulk-1", lease_s=5))
    assert "runs" in run_ops("runs", "list").output
    assert "0 jobs of 0 folder runs" in run_ops("runs", "drop", "--all", "--yes").output


def test_a_run_whose_jobs_all_wait_for_a_worker_is_listed_and_dropped(
    ledger: Ledger, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_runs, "_PAGE", 100)
    create_jobs(ledger, *(f"waits-{number}" for number in range(300)), outbox="bulk:undecided")
    create_jobs(ledger, "of the chat")
    (row,) = (line.split() for line in run_ops("runs", "list").output.splitlines() if line.startswith(" undecided"))
    assert row == ["undecided", "0", "300", "0", "none"]
    assert "300 jobs of 1 folder runs deleted" in run_ops("runs", "drop", "undecided").output
    assert {key.decode() for key in client.keys("melanoma:job:*")} == {"melanoma:job:of the chat"}
    assert "No folder run" in run_ops("runs", "list").output


def test_beside_a_living_command_a_run_that_fetches_nothing_is_ownerless(ledger: Ledger, client: Any) -> None:
    first, *_ = create_run(ledger, client, "killed", 2)
    ledger.run(transitions.heartbeat("bulk-1", lease_s=5))
    client.hincrby(f"melanoma:job:{first}", "decided_at", -120_000)
    assert "2 jobs of 1 folder runs deleted" in run_ops("runs", "drop", "--all", "--yes").output
    assert "No folder run" in run_ops("runs", "list").output
