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

    survey: LedgerOverview
    stored: int
    budget: int
    lease_s: float


def look(service: AdminClient) -> Status:
    """Look at the ledger and the picture store. Nothing changes."""
    survey = service.ledger.run(admin.get_overview())
    return Status(survey, service.store.get_used_bytes(), service.config.image_store_max_bytes, service.config.lease_s)


def as_json(status: Status) -> str:
    """For programs. Times in seconds, sizes in bytes."""
    survey = status.survey
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
                    "beat_age_s": round(_beat_age(one, status), 3),
                    "held": one.in_flight,
                    **serves(one),
                }
                for one in survey.processes
            ],
            "dead": survey.dead_letters,
            "pictures": {"bytes": status.stored, "budget": status.budget},
        },
        indent=1,
    )


def show(status: Status, screen: Console) -> None:
    """For people."""
    survey = status.survey
    stages = "   ".join(f"{stage} {count}" for stage, count in survey.stages.items())
    screen.print(f"jobs      {stages}")
    for queue, state in survey.queues.items():
        paused = f", [yellow]paused for {format_duration(state.paused_s)}[/]" if state.paused_s is not None else ""
        oldest = f", the oldest for {format_duration(state.oldest_s)}" if state.ready else ""
        screen.print(f"queue     {queue}: {state.ready} wait{oldest}{paused}")
    if survey.oldest_undelivered_s:
        screen.print(
            f"answers   the oldest that is not delivered waits for {format_duration(survey.oldest_undelivered_s)}"
        )
    dead = f"[red]{survey.dead_letters}[/] (melanoma-ops dead list)" if survey.dead_letters else "none"
    screen.print(f"dead      {dead}")
    share = status.stored / status.budget
    screen.print(f"pictures  {status.stored / 2**20:.1f} of {status.budget / 2**20:.0f} MiB ({share:.0%})")
    if not survey.processes:
        screen.print("processes [red]none: nobody answers[/]")
        return
    table = Table("process", "beat", "holds", "serves", box=None, pad_edge=False)
    for one in survey.processes:
        served = serves(one)
        what = f"{served['artefact']} on {served['device']}" if served else ""
        if served.get("refused"):
            what += f" [red]refused: {served['refused']}[/]"
        table.add_row(one.incarnation, f"{format_duration(_beat_age(one, status))} ago", str(one.in_flight), what)
    screen.print(table)


def serves(process: ProcessInfo) -> dict[str, Any]:
    """What a worker said that it serves: `artefact`, `directory`, `device`, `contract`, `refused`. Empty for others."""
    return dict(json.loads(process.serving)) if process.serving else {}


def _beat_age(process: ProcessInfo, status: Status) -> float:
    return max(0.0, status.lease_s - process.lease_left_s)
