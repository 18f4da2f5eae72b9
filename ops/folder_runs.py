"""Lists and drops folder runs whose command was killed and not resumed: nobody fetches their decisions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Column, Table

from ops.client import AdminClient, OpsError
from ops.durations import format_duration
from shared.contract.names import FOLDER_RUN_PREFIX, FOLDER_RUNS
from shared.ledger import admin, transitions
from shared.ledger.records import OutboxState

#: A running folder command fetches each decision within seconds, but it may be suspended or wait for Redis for a while.
_OWNERLESS_AFTER_S: Final = 60.0

#: About how many jobs one call looks at.
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class FolderRun:
    """A folder run with jobs, by what they wait for.

    Attributes:
        outbox: Name of its outbox.
        without_image: Jobs that wait for the command, to upload an image.
        at_workers: Jobs that wait for a worker, or are at one.
        decided: Jobs that wait for the command, to fetch their decision.
        oldest_undelivered_s: Age of the oldest such decision, 0 without one.
        has_command: Whether a folder command serves the run: one is alive, and the decisions of the run are fetched.
    """

    outbox: str
    without_image: int
    at_workers: int
    decided: int
    oldest_undelivered_s: float
    has_command: bool

    @property
    def id(self) -> str:
        """Id of the run, as the folder command prints it."""
        return self.outbox.removeprefix(FOLDER_RUN_PREFIX)


def list_runs(client: AdminClient) -> list[FolderRun]:
    """The folder runs with jobs, those first whose decisions wait longest."""
    overview = client.ledger.run(admin.get_overview())
    is_command_alive = any(process.role == FOLDER_RUNS for process in overview.processes)
    at_workers = _count_at_workers(client)
    waiting = {outbox.name: outbox for outbox in overview.outboxes}
    runs = []
    for name in {*waiting, *at_workers}:
        outbox = waiting.get(name, OutboxState(name, 0, 0))
        if outbox.kind == FOLDER_RUNS:
            has_command = is_command_alive and outbox.oldest_undelivered_s <= _OWNERLESS_AFTER_S
            age_s = outbox.oldest_undelivered_s
            runs.append(FolderRun(name, outbox.received, at_workers.get(name, 0), outbox.decided, age_s, has_command))
    return sorted(runs, key=lambda run: (-run.oldest_undelivered_s, run.id))


def print_runs(client: AdminClient, console: Console) -> None:
    """Print a table of the folder runs with jobs."""
    runs = list_runs(client)
    if not runs:
        console.print("No folder run has jobs.")
        return
    table = Table(
        Column("run", no_wrap=True), *("decided", "at workers", "without image", "waiting for", "command"), box=None
    )
    for run in runs:
        command = "runs" if run.has_command else "[red]none[/]"
        waiting = format_duration(run.oldest_undelivered_s) if run.decided else ""
        table.add_row(run.id, str(run.decided), str(run.at_workers), str(run.without_image), waiting, command)
    console.print(table)
    console.print("Continue a run without a command with `melanoma-submit ... --resume`, or drop it.")


def find_ownerless(client: AdminClient, ids: Sequence[str]) -> list[FolderRun]:
    """The runs with these ids; all without a command if there are no ids.

    Raises:
        OpsError: One of `ids` is no run, or its command runs.
    """
    runs = {run.id: run for run in list_runs(client)}
    if not ids:
        return [run for run in runs.values() if not run.has_command]
    for id_ in ids:
        if id_ not in runs:
            raise OpsError(f"a folder run {id_} has no jobs: `melanoma-ops runs list` shows all that have some.")
        if runs[id_].has_command:
            raise OpsError(f"the folder command of run {id_} runs: stop it first, then try again after a minute.")
    return [runs[id_] for id_ in ids]


def drop(client: AdminClient, run: FolderRun) -> int:
    """Delete the jobs of `run` that nobody has fetched, with their images. Returns the number of jobs."""
    deleted, cursor, ids = 0, "", [""]
    # Once more after the last page: decided jobs move up when those before them are deleted.
    while cursor != "0" or ids:
        cursor, ids = client.ledger.run(admin.get_outbox_ids(run.outbox, cursor=cursor or "0", limit=_PAGE))
        if ids:
            deleted += client.ledger.run(transitions.delete(ids))
            client.store.delete(ids)
    return deleted


def _count_at_workers(client: AdminClient) -> "Counter[str]":
    """Numbers of jobs that wait for a worker or are at one, by outbox."""
    counts: Counter[str] = Counter()
    cursor = ""
    while cursor != "0":
        cursor, page = client.ledger.run(admin.count_at_workers(cursor=cursor or "0", limit=_PAGE))
        counts.update(page)
    return counts
