"""`melanoma-ops trace`: the life of one photograph."""

from datetime import UTC, datetime

from pydantic import ValidationError
from rich.console import Console

from ops.client import AdminClient
from ops.durations import format_duration
from ops.errors import OpsError
from shared.contract.decision import Failure, Refusal, Verdict, decision_from_json
from shared.ledger import admin


def trace(service: AdminClient, id_: str, screen: Console) -> None:
    """Show what happened to a job, with times. Raises `OpsError` where it is not known."""
    life = service.ledger.run(admin.get_history(id_))
    if life is None:
        raise OpsError(
            f"the ledger knows no job {id_}: it was answered and forgotten, deleted, or the id is of another service."
        )
    received = datetime.fromtimestamp(life.received_at, UTC)
    screen.print(f"{life.id}  {life.queue}, for {life.outbox}, tried {life.attempts} times")
    screen.print(f"{received:%Y-%m-%d %H:%M:%S}.{received.microsecond // 1000:03} UTC  received")
    if life.is_truncated:
        screen.print("  ... the beginning of this long life is forgotten")
    before = 0.0
    for event in life.events:
        by = f" by {event.incarnation}" if event.incarnation else ""
        step = f"{format_duration(event.after_s - before)} later"
        screen.print(f"  +{event.after_s:9.3f} s  {_WORDS.get(event.name, event.name)}{by}  [dim]{step}[/]")
        before = event.after_s
    if life.suspect:
        screen.print("A worker died or hung with it, so it is decoded in a process of its own.")
    screen.print(f"Now {life.stage}{f', with {life.holder}' if life.holder else ''}. {_said(life.decision)}")


#: Where the ledger's word alone would not tell.
_WORDS = {
    "ready": "ready, and rung for",
    "lost": "lost: its worker was silent for too long",
    "received": "its picture was gone: asked for again",
    "replayed": "replayed by an operator",
}


def _said(decision: bytes) -> str:
    if not decision:
        return "No decision yet."
    try:
        said: Verdict | Refusal | Failure = decision_from_json(decision)
    except ValidationError:
        return "A decision by another release, which this one cannot read."
    if isinstance(said, Verdict):
        work = said.work
        return (
            f"A verdict by {said.artefact}: waited {format_duration(work.wait_s)}, decoded in {format_duration(work.decode_s)}, predicted in"
            f" {format_duration(work.predict_s)} in a batch of {work.batch}."
        )
    return f"A {said.kind}: {said.reason}."
