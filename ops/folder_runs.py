"""Lists and drops folder runs whose command was killed and not resumed: nobody fetches their decisions."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Column, Table

from ops.client import AdminClient, OpsError
from ops.durations import format_duration
from shared.contract.names import FOLDER_RUN_PREFIX, FOLDER_RUNS
from shared.ledger import admin, transitions
from shared.ledger.records import LedgerOverview, OutboxState

#: A folder command that runs fetches each decision within seconds. It may be frozen, or wait for Redis, a while.
_OWNERLESS_AFTER_S: Final = 60.0

#: About how many jobs one call looks at.
_PAGE: Final = 1000


def list_runs(overview: LedgerOverview) -> list[OutboxState]:
    """The folder runs with jobs that wait for their command, those that wait longest first."""
    runs = [outbox for outbox in overview.outboxes if outbox.kind == FOLDER_RUNS]
    return sorted(runs, key=lambda run: -run.oldest_undelivered_s)


def is_ownerless(run: OutboxState, overview: LedgerOverview) -> bool:
    """Whether no command serves `run`: none is alive, or the decisions of this run are not fetched."""
    is_command_alive = any(process.role == FOLDER_RUNS for process in overview.processes)
    return not is_command_alive or run.oldest_undelivered_s > _OWNERLESS_AFTER_S


def print_runs(overview: LedgerOverview, console: Console) -> None:
    """Print a table of the folder runs with jobs that wait for their command."""
    runs = list_runs(overview)
    if not runs:
        console.print("No folder run has jobs that wait for its command.")
        return
    table = Table(Column("run", no_wrap=True), *("decided", "without image", "waiting for", "command"), box=None)
    for run in runs:
        command = "[red]none[/]" if is_ownerless(run, overview) else "runs"
        waiting = format_duration(run.oldest_undelivered_s) if run.decided else ""
        table.add_row(_id_of(run), str(run.decided), str(run.received), waiting, command)
    console.print(table)
    console.print("Continue a run without a command with `melanoma-submit ... --resume`, or drop it.")


def find_ownerless(overview: LedgerOverview, ids: Sequence[str]) -> list[OutboxState]:
    """The runs with these ids; all ownerless ones without ids.

    Raises:
        OpsError: One of `ids` is no run, or its command runs.
    """
    runs = {_id_of(run): run for run in list_runs(overview)}
    if not ids:
        return [run for run in runs.values() if is_ownerless(run, overview)]
    for id_ in ids:
        if id_ not in runs:
            raise OpsError(f"no jobs of a folder run {id_} wait: `melanoma-ops runs list` shows all that have some.")
        if not is_ownerless(runs[id_], overview):
            raise OpsError(f"the folder command of run {id_} runs: stop it first, then try again after a minute.")
    return [runs[id_] for id_ in ids]


def drop(client: AdminClient, run: OutboxState) -> int:
    """Delete the jobs of `run` that nobody has fetched, with their images. Returns the number of jobs."""
    deleted, cursor, ids = 0, "", [""]
    # Once more after the last page: decided jobs move up when those before them are deleted.
    while cursor != "0" or ids:
        cursor, ids = client.ledger.run(admin.get_outbox_ids(run.name, cursor=cursor or "0", limit=_PAGE))
        if ids:
            deleted += client.ledger.run(transitions.delete(ids))
            client.store.delete(ids)
    return deleted


def _id_of(run: OutboxState) -> str:
    return run.name.removeprefix(FOLDER_RUN_PREFIX)
