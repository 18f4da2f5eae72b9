"""Controls running workers: drains one, or switches all of them to another artefact."""

import time
from pathlib import Path
from typing import Final

from rich.console import Console

from ops.client import AdminClient, OpsError
from ops.durations import format_duration
from ops.status import describe_runtime, served_model
from shared.contract.names import WORKER_ROLE
from shared.ledger import admin
from shared.ledger.records import ProcessInfo
from shared.model.artefact import ArtefactError, read_artefact

_POLL_INTERVAL_S: Final = 0.2


def list_workers(client: AdminClient) -> list[ProcessInfo]:
    """The live workers."""
    return [process for process in client.ledger.run(admin.get_overview()).processes if process.role == WORKER_ROLE]


def drain_worker(client: AdminClient, name: str, *, wait_s: float, console: Console) -> None:
    """Stop a worker as SIGTERM does: it finishes its batch in flight and releases its other jobs.

    Args:
        client: The service.
        name: The worker's incarnation, or a prefix of it.
        wait_s: Maximum seconds to wait for the worker to exit.
        console: Where progress is printed.

    Raises:
        OpsError: No worker, or more than one, has this name; or the worker has not exited in time.
    """
    incarnation = _find_incarnation(list_workers(client), name)
    if not client.ledger.run(admin.request_drain(incarnation)):
        raise OpsError(f"{incarnation} has just exited by itself.")
    started = time.monotonic()
    while any(worker.incarnation == incarnation for worker in list_workers(client)):
        if time.monotonic() - started > wait_s:
            raise OpsError(
                f"{incarnation} was asked to drain and still runs after {format_duration(wait_s)}. It may be of an"
                " older release; then stop it where it runs, with SIGTERM."
            )
        time.sleep(_POLL_INTERVAL_S)
    console.print(f"{incarnation} has ended. Its supervisor (compose, supervisord, Kubernetes) may start it again.")


def switch_artefact(client: AdminClient, directory: Path | None, *, wait_s: float, console: Console) -> None:
    """Switch all workers to the artefact in `directory`, or to the previous one for None.

    Each worker serves its old artefact until the new one is warm, and keeps the old one warm so that it can return.

    Args:
        client: The service.
        directory: The artefact, by the path that workers know.
        wait_s: Maximum seconds to wait until all workers serve it.
        console: Where progress is printed.

    Raises:
        OpsError: The artefact is not valid, there is no previous one, a worker refuses the artefact, or not all workers
            serve it in time. A worker that refuses it continues with its old artefact.
    """
    requested = ""
    if directory is not None:
        requested = str(directory)
        try:
            title = read_artefact(directory).title
        except ArtefactError as error:
            raise OpsError(f"{error} Nothing was switched.") from error
        console.print(f"{title} in {requested} is complete.")
    desired, previous = client.ledger.run(admin.set_desired_model(requested, instead_of=str(client.config.artefact)))
    if not desired:
        raise OpsError("there is no previous artefact: none was switched to yet.")
    started = time.monotonic()
    reported: set[str] = set()
    while pending := [worker for worker in list_workers(client) if not _serves(worker, desired, reported, console)]:
        if time.monotonic() - started > wait_s:
            names = ", ".join(worker.incarnation for worker in pending)
            raise OpsError(
                f"after {format_duration(wait_s)} these workers do not serve {desired} yet: {names}. Nothing is lost:"
                " they answer with their old artefact. `melanoma-ops status` shows them, `melanoma-ops switch --back`"
                " returns to the previous one."
            )
        time.sleep(_POLL_INTERVAL_S)
    # Without a previous artefact this was the first switch, to the artefact that was served already.
    back = f" `melanoma-ops switch --back` returns to {previous} at once." if previous else ""
    console.print(f"All workers serve {desired}.{back}")


def _serves(worker: ProcessInfo, desired: str, reported: set[str], console: Console) -> bool:
    """True if a worker serves the desired artefact; prints that once. Raises `OpsError` if it refuses the artefact."""
    model = served_model(worker)
    if model.get("refusing") == desired:
        raise OpsError(
            f"{worker.incarnation} refuses the artefact and continues with {model['artefact']}: {model['refused']}"
            " Does the directory exist where the worker runs? `melanoma-ops switch --back` returns to the previous one."
        )
    if model.get("directory") != desired:
        return False
    if worker.incarnation not in reported:
        reported.add(worker.incarnation)
        console.print(f"{worker.incarnation} serves {model['artefact']} with {describe_runtime(model)}.")
    return True


def _find_incarnation(workers: list[ProcessInfo], name: str) -> str:
    matches = [worker.incarnation for worker in workers if worker.incarnation.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(worker.incarnation for worker in workers) or "none"
    problem = (
        f"no live worker is named {name}" if not matches else f"the names of {len(matches)} workers begin with {name}"
    )
    raise OpsError(f"{problem}. Live workers: {names}.")
