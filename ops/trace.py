"""`melanoma-ops trace`: the history of one job."""

from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError
from rich.console import Console

from ops.client import AdminClient, OpsError
from ops.durations import format_duration
from shared.contract.decision import Failure, Refusal, Verdict, decision_from_json
from shared.ledger import admin

#: Texts for events whose name in the ledger says too little.
_EVENT_TEXTS: Final = {
    "ready": "ready for a worker",
    "lost": "lost: the lease of its worker expired",
    "received": "its image was missing: requested again",
    "replayed": "replayed by an operator",
}


def print_trace(client: AdminClient, id_: str, console: Console) -> None:
    """Print the history of a job, with times. Raises `OpsError` for an unknown job."""
    history = client.ledger.run(admin.get_history(id_))
    if history is None:
        raise OpsError(
            f"the ledger knows no job {id_}: it was answered and its record has expired, it was deleted, or the id is"
            " of another service."
        )
    received = datetime.fromtimestamp(history.received_at, UTC)
    console.print(f"{history.id}  queue {history.queue}, outbox {history.outbox}, {history.attempts} attempts")
    console.print(f"{received:%Y-%m-%d %H:%M:%S}.{received.microsecond // 1000:03} UTC  received")
    if history.is_truncated:
        console.print("  ... the oldest events are not kept")
    before_s = 0.0
    for event in history.events:
        text = _EVENT_TEXTS.get(event.name, event.name)
        by = f" by {event.incarnation}" if event.incarnation else ""
        console.print(
            f"  +{event.after_s:9.3f} s  {text}{by}  [dim]{format_duration(event.after_s - before_s)} later[/]"
        )
        before_s = event.after_s
    if history.suspect:
        console.print("A worker died or hung while it worked on the image, so the image is decoded in a child process.")
    holder = f", held by {history.holder}" if history.holder else ""
    console.print(f"Now {history.stage}{holder}. {_format_decision(history.decision)}")


def _format_decision(decision_json: bytes) -> str:
    if not decision_json:
        return "No decision yet."
    try:
        decision: Verdict | Refusal | Failure = decision_from_json(decision_json)
    except ValidationError:
        return "A decision by another release, which this one cannot read."
    if isinstance(decision, Verdict):
        work = decision.work
        runtime = f" with {work.runtime}" if work.runtime else ""
        return (
            f"A verdict by {decision.artefact}{runtime}: waited {format_duration(work.wait_s)}, decoded in"
            f" {format_duration(work.decode_s)}, predicted in {format_duration(work.predict_s)} in a batch of"
            f" {work.batch}."
        )
    return f"A {decision.kind}: {decision.reason}."
