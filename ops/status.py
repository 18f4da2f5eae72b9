"""`melanoma-ops status`: jobs, queues, dead letters, images and processes of the service."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from ops.client import AdminClient
from ops.durations import format_duration
from shared.contract.names import FOLDER_RUNS
from shared.ledger import admin
from shared.ledger.records import LedgerOverview, ProcessInfo

#: A worker that its CPU limit holds back in a larger share of the time answers late. Full batches alone take less.
_MAX_THROTTLED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the service at one moment: the ledger, the bytes of stored images, and how long leases last."""

    overview: LedgerOverview
    image_bytes: int
    max_image_bytes: int
    lease_s: float


def read_status(client: AdminClient) -> Status:
    """Read the status from the ledger and the image store. It changes nothing."""
    overview = client.ledger.run(admin.get_overview())
    return Status(overview, client.store.get_used_bytes(), client.config.image_store_max_bytes, client.config.lease_s)


def format_json(status: Status) -> str:
    """Format the status as JSON. Times are in seconds, sizes in bytes."""
    overview = status.overview
    return json.dumps(
        {
            "at": overview.time_s,
            "stages": overview.stages,
            "undecided": overview.undecided,
            "oldest_undelivered_s": overview.undelivered_ages_s,
            "queues": {
                queue: {"ready": state.ready, "oldest_s": state.oldest_s, "paused_s": state.paused_s}
                for queue, state in overview.queues.items()
            },
            "outboxes": {
                outbox.name: {"received": outbox.received, "decided": outbox.decided} for outbox in overview.outboxes
            },
            "processes": [
                {
                    "incarnation": process.incarnation,
                    "role": process.role,
                    "heartbeat_age_s": round(_heartbeat_age_s(process, status), 3),
                    "held": process.in_flight,
                    **served_model(process),
                }
                for process in overview.processes
            ],
            "dead": overview.dead_letters,
            "pictures": {"bytes": status.image_bytes, "budget": status.max_image_bytes},
        },
        indent=1,
    )


def print_status(status: Status, console: Console) -> None:
    """Print the status for people."""
    overview = status.overview
    stages = "   ".join(f"{stage} {count}" for stage, count in overview.stages.items())
    console.print(f"jobs      {stages}")
    for queue, state in overview.queues.items():
        paused = f", [yellow]paused for {format_duration(state.paused_s)}[/]" if state.paused_s is not None else ""
        oldest = f", the oldest for {format_duration(state.oldest_s)}" if state.ready else ""
        console.print(f"queue     {queue}: {state.ready} wait{oldest}{paused}")
    ages = overview.undelivered_ages_s
    if age_s := max((age_s for kind, age_s in ages.items() if kind != FOLDER_RUNS), default=0):
        console.print(f"answers   the oldest undelivered one has waited for {format_duration(age_s)}")
    if age_s := ages.get(FOLDER_RUNS, 0):
        console.print(f"folders   the oldest result has waited for {format_duration(age_s)} (melanoma-ops runs list)")
    dead = f"[red]{overview.dead_letters}[/] (melanoma-ops dead list)" if overview.dead_letters else "none"
    console.print(f"dead      {dead}")
    used, limit = status.image_bytes / 2**20, status.max_image_bytes / 2**20
    console.print(f"images    {used:.1f} of {limit:.0f} MiB ({status.image_bytes / status.max_image_bytes:.0%})")
    if not overview.processes:
        console.print("processes [red]none is alive, so no photograph is answered[/]")
        return
    table = Table("process", "heartbeat", "jobs", "serves", box=None, pad_edge=False)
    for process in overview.processes:
        model = served_model(process)
        text = f"{model['artefact']} with {describe_runtime(model)}" if model else ""
        if throttling := describe_throttling(model):
            text += f" [yellow]{throttling}[/]"
        if model.get("refused"):
            text += f" [red]refused: {model['refused']}[/]"
        heartbeat = f"{format_duration(_heartbeat_age_s(process, status))} ago"
        table.add_row(process.incarnation, heartbeat, str(process.in_flight), text)
    console.print(table)


def served_model(process: ProcessInfo) -> dict[str, Any]:
    """The model that a worker reports: `artefact`, `runtime`, `device`, `directory` and more. Empty for others."""
    return dict(json.loads(process.serving)) if process.serving else {}


def describe_runtime(model: Mapping[str, Any]) -> str:
    """Runtime, device and precision of a model that a worker reports. A worker of an older release reports less."""
    text = f"{model.get('runtime', '?')} on {model['device']}"
    return f"{text} in {model['precision']}" if "precision" in model else text


def describe_throttling(model: Mapping[str, Any]) -> str:
    """A sentence about a worker whose CPU limit holds it back, without its subject. Empty for others."""
    share = model.get("cpu_throttled", 0.0)
    return f"was held back by its CPU limit in {share:.0%} of the last minute" if share > _MAX_THROTTLED else ""


def _heartbeat_age_s(process: ProcessInfo, status: Status) -> float:
    return max(0.0, status.lease_s - process.lease_left_s)
