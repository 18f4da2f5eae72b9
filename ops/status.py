"""`melanoma-ops status`: the whole service at a glance."""

import json
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from ops.client import AdminClient
from ops.durations import format_duration
from shared.ledger import admin
from shared.ledger.records import LedgerOverview, ProcessInfo


@dataclass(frozen=True, slots=True)
class Status:
    """One look. `budget` and `stored` are bytes of pictures; leases last `lease_s` seconds."""

    overview: LedgerOverview
    image_bytes: int
    max_image_bytes: int
    lease_s: float


def read_status(client: AdminClient) -> Status:
    """Look at the ledger and the picture store. Nothing changes."""
    survey = client.ledger.run(admin.get_overview())
    return Status(survey, client.store.get_used_bytes(), client.config.image_store_max_bytes, client.config.lease_s)


def format_json(status: Status) -> str:
    """For programs. Times in seconds, sizes in bytes."""
    survey = status.overview
    return json.dumps(
        {
            "at": survey.time_s,
            "stages": survey.stages,
            "undecided": survey.undecided,
            "oldest_undelivered_s": survey.oldest_undelivered_s,
            "queues": {
                queue: {"ready": state.ready, "oldest_s": state.oldest_s, "paused_s": state.paused_s}
                for queue, state in survey.queues.items()
            },
            "outboxes": {box.name: {"received": box.received, "decided": box.decided} for box in survey.outboxes},
            "processes": [
                {
                    "incarnation": one.incarnation,
                    "role": one.role,
                    "beat_age_s": round(_heartbeat_age_s(one, status), 3),
                    "held": one.in_flight,
                    **served_model(one),
                }
                for one in survey.processes
            ],
            "dead": survey.dead_letters,
            "pictures": {"bytes": status.image_bytes, "budget": status.max_image_bytes},
        },
        indent=1,
    )


def print_status(status: Status, console: Console) -> None:
    """For people."""
    survey = status.overview
    stages = "   ".join(f"{stage} {count}" for stage, count in survey.stages.items())
    console.print(f"jobs      {stages}")
    for queue, state in survey.queues.items():
        paused = f", [yellow]paused for {format_duration(state.paused_s)}[/]" if state.paused_s is not None else ""
        oldest = f", the oldest for {format_duration(state.oldest_s)}" if state.ready else ""
        console.print(f"queue     {queue}: {state.ready} wait{oldest}{paused}")
    if survey.oldest_undelivered_s:
        console.print(
            f"answers   the oldest that is not delivered waits for {format_duration(survey.oldest_undelivered_s)}"
        )
    dead = f"[red]{survey.dead_letters}[/] (melanoma-ops dead list)" if survey.dead_letters else "none"
    console.print(f"dead      {dead}")
    share = status.image_bytes / status.max_image_bytes
    console.print(
        f"pictures  {status.image_bytes / 2**20:.1f} of {status.max_image_bytes / 2**20:.0f} MiB ({share:.0%})"
    )
    if not survey.processes:
        console.print("processes [red]none: nobody answers[/]")
        return
    table = Table("process", "beat", "holds", "serves", box=None, pad_edge=False)
    for one in survey.processes:
        served = served_model(one)
        what = f"{served['artefact']} with {served.get('runtime', '?')} on {served['device']}" if served else ""
        if served.get("refused"):
            what += f" [red]refused: {served['refused']}[/]"
        table.add_row(
            one.incarnation, f"{format_duration(_heartbeat_age_s(one, status))} ago", str(one.in_flight), what
        )
    console.print(table)


def served_model(process: ProcessInfo) -> dict[str, Any]:
    """What a worker said that it serves: `artefact`, `directory`, `runtime`, `device`, `contract`, `refused`. Empty for others."""
    return dict(json.loads(process.serving)) if process.serving else {}


def _heartbeat_age_s(process: ProcessInfo, status: Status) -> float:
    return max(0.0, status.lease_s - process.lease_left_s)
