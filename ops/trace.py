"""`melanoma-ops trace`: the life of one photograph."""

from datetime import UTC, datetime

from pydantic import ValidationError
from rich.console import Console

from ops.client import AdminClient
from ops.durations import format_duration
from ops.errors import OpsError
from shared.contract.decision import Failure, Refusal, Verdict, decision_from_json
from shared.ledger import admin


def print_trace(client: AdminClient, id_: str, console: Console) -> None:
    """Show what happened to a job, with times. Raises `OpsError` where it is not known."""
    life = client.ledger.run(admin.get_history(id_))
    if life is None:
        raise OpsError(
            f"the ledger knows no job {id_}: it was answered and forgotten, deleted, or the id is of another service."
        )
    received = datetime.fromtimestamp(life.received_at, UTC)
    console.print(f"{life.id}  {life.queue}, for {life.outbox}, tried {life.attempts} times")
    console.print(f"{received:%Y-%m-%d %H:%M:%S}.{received.microsecond // 1000:03} UTC  received")
    if life.is_truncated:
        console.print("  ... the beginning of this long life is forgotten")
    before = 0.0
    for event in life.events:
        by = f" by {event.incarnation}" if event.incarnation else ""
        step = f"{format_duration(event.after_s - before)} later"
        console.print(f"  +{event.after_s:9.3f} s  {_EVENT_TEXTS.get(event.name, event.name)}{by}  [dim]{step}[/]")
        before = event.after_s
    if life.suspect:
        console.print("A worker died or hung with it, so it is decoded in a process of its own.")
    console.print(
        f"Now {life.stage}{f', with {life.holder}' if life.holder else ''}. {_format_decision(life.decision)}"
    )


#: Where the ledger's word alone would not tell.
_EVENT_TEXTS = {
    "ready": "ready, and rung for",
    "lost": "lost: its worker was silent for too long",
    "received": "its picture was gone: asked for again",
    "replayed": "replayed by an operator",
}


def _format_decision(decision: bytes) -> str:
    if not decision:
        return "No decision yet."
    try:
        said: Verdict | Refusal | Failure = decision_from_json(decision)
    except ValidationError:
        return "A decision by another release, which this one cannot read."
    if isinstance(said, Verdict):
        work = said.work
        runtime = f" with {work.runtime}" if work.runtime else ""
        return (
            f"A verdict by {said.artefact}{runtime}: waited {format_duration(work.wait_s)}, decoded in {format_duration(work.decode_s)}, predicted in"
            f" {format_duration(work.predict_s)} in a batch of {work.batch}."
        )
    return f"A {said.kind}: {said.reason}."
