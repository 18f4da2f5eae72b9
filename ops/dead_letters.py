"""Lists, replays and drops dead letters: jobs that could not be decided, or whose decision was not delivered."""

from collections import defaultdict
from collections.abc import Sequence

from pydantic import ValidationError
from rich.console import Console
from rich.table import Column, Table

from ops.client import AdminClient, OpsError
from ops.durations import format_duration
from shared.contract.decision import Failure, FailureReason, decision_from_json
from shared.contract.names import FOLDER_RUN_PREFIX, Queue, Stage
from shared.ledger import admin
from shared.ledger.records import DeadLetter, DroppedDeadLetters


def find_dead_letters(client: AdminClient, ids: Sequence[str], *, limit: int) -> list[DeadLetter]:
    """The dead letters with these ids, or the oldest `limit` without ids. Raises `OpsError` for an unknown id."""
    letters = client.ledger.run(admin.get_dead_letters(limit, ids))
    known = {letter.id for letter in letters}
    for id_ in ids:
        if id_ not in known:
            raise OpsError(f"{id_} is no dead letter of this ledger: `melanoma-ops dead list` shows all of them.")
    return letters


def failure_reason(letter: DeadLetter) -> str:
    """Reason why the job is a dead letter: the contract's name of the failure, or `undeliverable`."""
    try:
        decision = decision_from_json(letter.decision)
    except ValidationError:
        return f"{FailureReason.UNKNOWN_CONTRACT}: decided by another release"
    if isinstance(decision, Failure):
        return f"{decision.reason}: {decision.detail}" if decision.detail else decision.reason
    return "undeliverable"


def print_dead_letters(letters: Sequence[DeadLetter], total: int, console: Console) -> None:
    """Print a table, the oldest first."""
    if not letters:
        console.print("No dead letters.")
        return
    table = Table(
        Column("job", no_wrap=True),
        *("reason", "queue", "outbox", "answered", "attempts", "died"),
        box=None,
        pad_edge=False,
    )
    for letter in letters:
        answered = "yes" if letter.stage is Stage.ANSWERED else "not yet"
        outbox = "a folder run" if letter.outbox.startswith(FOLDER_RUN_PREFIX) else letter.outbox
        died = f"{format_duration(letter.age_s)} ago"
        table.add_row(letter.id, failure_reason(letter), letter.queue, outbox, answered, str(letter.attempts), died)
    console.print(table)
    if total > len(letters):
        console.print(f"{total - len(letters)} more; raise --limit to see them.")


def replay(client: AdminClient, letters: Sequence[DeadLetter], console: Console) -> int:
    """Process dead letters again, with new deadlines; returns their number.

    Those whose folder run has already received the failure are left out: nobody would read a new decision.
    """
    ids = [letter.id for letter in letters]
    has_image = dict(zip(ids, client.store.exist(ids), strict=True))
    groups: dict[Queue, list[tuple[str, bool]]] = defaultdict(list)
    for letter in letters:
        if letter.outbox.startswith(FOLDER_RUN_PREFIX) and letter.stage is Stage.ANSWERED:
            console.print(f"{letter.id}: its folder run already has the failure; submit the file again instead.")
        else:
            groups[letter.queue].append((letter.id, has_image[letter.id]))
    deadlines = {
        Queue.INTERACTIVE: client.config.interactive_deadline_s,
        Queue.BULK: client.config.bulk_deadline_s,
    }
    replayed = 0
    for queue, jobs in groups.items():
        count, pending = client.ledger.run(admin.replay_dead_letters(jobs, deadline_s=deadlines[queue]))
        client.publisher.publish(pending)
        replayed += count
    return replayed


def drop(client: AdminClient, letters: Sequence[DeadLetter]) -> DroppedDeadLetters:
    """Delete dead letters, with their images unless the failure is still to be delivered."""
    dropped = client.ledger.run(admin.drop_dead_letters([letter.id for letter in letters]))
    client.store.delete(dropped.deleted)
    return dropped
