"""Dead letters: what could not be decided or delivered, until an operator has it tried again or drops it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError
from rich.console import Console
from rich.table import Column, Table

from ops.client import AdminClient
from ops.durations import format_duration
from ops.errors import OpsError
from shared.contract.decision import Failure, FailureReason, decision_from_json
from shared.contract.names import Queue, Stage
from shared.ledger import admin
from shared.ledger.records import DeadLetter

#: Outboxes of folder runs begin so. Nobody looks into them once their run has the answer.
_FOLDER_RUN_PREFIX: Final = "bulk:"


def find_dead_letters(client: AdminClient, ids: Sequence[str], *, limit: int) -> list[DeadLetter]:
    """Those of `ids`, or the oldest `limit` where none are given. Raises `OpsError` for an id that is none."""
    letters = client.ledger.run(admin.get_dead_letters(limit, ids))
    known = {letter.id for letter in letters}
    for id_ in ids:
        if id_ not in known:
            raise OpsError(f"{id_} is no dead letter of this ledger: `melanoma-ops dead list` shows those there are.")
    return letters


def failure_reason(letter: DeadLetter) -> str:
    """Why it is dead, in the contract's words."""
    try:
        decision = decision_from_json(letter.decision)
    except ValidationError:
        return f"{FailureReason.UNKNOWN_CONTRACT}: decided by another release"
    if isinstance(decision, Failure):
        return f"{decision.reason}: {decision.detail}" if decision.detail else decision.reason
    return "undeliverable"


def print_dead_letters(letters: Sequence[DeadLetter], total: int, console: Console) -> None:
    """For people, the oldest first."""
    if not letters:
        console.print("No dead letters.")
        return
    table = Table(
        Column("job", no_wrap=True), "reason", "queue", "for", "told", "tries", "died", box=None, pad_edge=False
    )
    for letter in letters:
        told = "yes" if letter.stage is Stage.ANSWERED else "not yet"
        owner = "a folder run" if letter.outbox.startswith(_FOLDER_RUN_PREFIX) else letter.outbox
        died = f"{format_duration(letter.age_s)} ago"
        table.add_row(letter.id, failure_reason(letter), letter.queue, owner, told, str(letter.attempts), died)
    console.print(table)
    if total > len(letters):
        console.print(f"{total - len(letters)} more; --limit shows them.")


def replay(client: AdminClient, letters: Sequence[DeadLetter], console: Console) -> int:
    """Let them be tried again and say what became of each; returns how many live again."""
    stored = dict(zip([one.id for one in letters], client.store.exist([one.id for one in letters]), strict=True))
    groups: dict[Queue, list[tuple[str, bool]]] = defaultdict(list)
    for letter in letters:
        if letter.outbox.startswith(_FOLDER_RUN_PREFIX) and letter.stage is Stage.ANSWERED:
            console.print(f"{letter.id}: its folder run has the failure already; submit the file again instead.")
        else:
            groups[letter.queue].append((letter.id, stored[letter.id]))
    deadlines = {
        Queue.INTERACTIVE: client.config.interactive_deadline_s,
        Queue.BULK: client.config.bulk_deadline_s,
    }
    alive = 0
    for queue, pairs in groups.items():
        number, owed = client.ledger.run(admin.replay_dead_letters(pairs, deadline_s=deadlines[queue]))
        client.publisher.publish(owed)
        alive += number
    return alive


def drop(client: AdminClient, letters: Sequence[DeadLetter]) -> int:
    """Forget them, with the pictures of those whose owner was told; returns how many there were."""
    told = [letter.id for letter in letters if letter.stage is Stage.ANSWERED]
    number = client.ledger.run(admin.drop_dead_letters([letter.id for letter in letters]))
    client.store.delete(told)
    return number
