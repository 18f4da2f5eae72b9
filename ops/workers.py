"""Acts on running workers: stopping one, and moving all of them to another artefact."""

import time
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from ops.client import AdminClient
from ops.durations import format_duration
from ops.errors import OpsError
from ops.status import served_model
from shared.ledger import admin
from shared.ledger.records import ProcessInfo
from shared.model.artefact import ArtefactError, read_artefact

WORKER_ROLE: Final = "worker"

_POLL_INTERVAL_S: Final = 0.2


def list_workers(client: AdminClient) -> list[ProcessInfo]:
    """The workers that live now."""
    return [one for one in client.ledger.run(admin.get_overview()).processes if one.role == WORKER_ROLE]


def drain_worker(client: AdminClient, name: str, *, wait_s: float, console: Console) -> None:
    """Stop a worker as SIGTERM does: it finishes its batch in hand and gives back the rest.

    `name` is its incarnation or the beginning of it. Waits for its end for at most `wait_s`. Raises `OpsError`.
    """
    incarnation = _find_incarnation(list_workers(client), name)
    if not client.ledger.run(admin.request_drain(incarnation)):
        raise OpsError(f"{incarnation} has just ended by itself.")
    started = time.monotonic()
    while any(one.incarnation == incarnation for one in list_workers(client)):
        if time.monotonic() - started > wait_s:
            raise OpsError(
                f"{incarnation} was told to stop and still runs after {format_duration(wait_s)}: is it of an older release?"
                " Then stop it where it runs, with SIGTERM."
            )
        time.sleep(_POLL_INTERVAL_S)
    console.print(f"{incarnation} has ended. Whoever runs it (compose, supervisord, Kubernetes) may start it anew.")


def switch_artefact(client: AdminClient, directory: Path | None, *, wait_s: float, console: Console) -> None:
    """Have all workers serve the artefact in `directory`, or the one before for None.

    Each answers with its old one until the new one is warm, and keeps the old one warm for the way back. Waits for
    all of them for at most `wait_s`. Raises `OpsError`; a worker that refuses the artefact goes on with its old one.
    """
    asked = ""
    if directory is not None:
        asked = str(directory)
        try:
            title = read_artefact(directory).title
        except ArtefactError as error:
            raise OpsError(f"{error} Nothing was switched.") from error
        console.print(f"{title} in {asked} is complete.")
    wanted, before = client.ledger.run(admin.set_desired_model(asked, instead_of=str(client.config.artefact)))
    if not wanted:
        raise OpsError("there is no way back: no artefact was switched to yet.")
    started = time.monotonic()
    shown: set[str] = set()
    while late := [
        one for one in list_workers(client) if not _serves_desired(served_model(one), wanted, shown, one, console)
    ]:
        if time.monotonic() - started > wait_s:
            names = ", ".join(one.incarnation for one in late)
            raise OpsError(
                f"after {format_duration(wait_s)} these workers do not serve {wanted} yet: {names}. Nothing is lost, they answer"
                " with their old one; `melanoma-ops status` shows them, `melanoma-ops switch --back` takes it back."
            )
        time.sleep(_POLL_INTERVAL_S)
    console.print(f"All workers serve {wanted}. `melanoma-ops switch --back` returns to {before} at once.")


def _serves_desired(
    served: dict[str, Any], desired: str, reported: set[str], worker: ProcessInfo, console: Console
) -> bool:
    if served.get("refusing") == desired:
        raise OpsError(
            f"{worker.incarnation} refuses it and goes on with {served['artefact']}: {served['refused']}"
            " Is the directory there, where the worker runs? `melanoma-ops switch --back` takes it back."
        )
    there: bool = served.get("directory") == desired
    if there and worker.incarnation not in reported:
        reported.add(worker.incarnation)
        console.print(
            f"{worker.incarnation} serves {served['artefact']} with {served.get('runtime', '?')} on {served['device']}."
        )
    return there


def _find_incarnation(workers: list[ProcessInfo], name: str) -> str:
    found = [one.incarnation for one in workers if one.incarnation.startswith(name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.incarnation for one in workers) or "none"
    problem = f"{name} is no worker that lives now" if not found else f"{name} begins the names of {len(found)} workers"
    raise OpsError(f"{problem}. Those that live: {names}.")
