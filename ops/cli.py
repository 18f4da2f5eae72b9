"""The command `melanoma-ops`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from ops import dead_letters, folder_runs, settings_overrides, workers
from ops.client import AdminClient, OpsError, open_admin_client
from ops.doctor.check_result import Level
from ops.doctor.checks import run_checks
from ops.status import format_json, print_status, read_status
from ops.trace import print_trace
from shared.config.settings import Settings, SettingsError, settings
from shared.contract.names import Queue
from shared.ledger import admin
from shared.log import set_up_logging

EXIT_PROBLEM: Final = 1
EXIT_USAGE: Final = 2

_COLOURS: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}

#: Columns of the output into a pipe, which has no width of its own: enough to cut nothing.
_PIPE_WIDTH: Final = 250
_console: Final = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
_QUEUE: Final = click.Choice([str(queue) for queue in Queue])
_ids_argument: Final = click.argument("ids", nargs=-1, metavar="[JOB]...")
_all_option: Final = click.option("--all", "every", is_flag=True, help="The oldest --limit dead letters.")
_limit_option: Final = click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
_yes_option: Final = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


def _read_settings() -> Settings:
    config = settings()
    # The command itself reports that Redis is unavailable, so the log need not.
    set_up_logging(config.model_copy(update={"log_format": "text", "log_level": "error"}))
    return config


@contextmanager
def _open_client() -> Iterator[AdminClient]:
    config = _read_settings()
    with open_admin_client(config) as client:
        yield client


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Settings come from the environment or .env, most of all REDIS_URL; .env.example lists them."
    " Exit codes: 0 success, 1 a problem was found or the command failed, 2 wrong usage or an invalid setting.",
)
def cli() -> None:
    """Inspect and control the service: health, queues, dead letters, workers."""


@cli.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status_command(as_json: bool) -> None:
    """Show jobs, queues, dead letters, images and processes."""
    with _open_client() as client:
        status = read_status(client)
    if as_json:
        click.echo(format_json(status))
    else:
        print_status(status, _console)


@cli.command("doctor")
def doctor_command() -> None:
    """Check settings, Redis, artefact, workers and Telegram, and say what to fix. Exit code 1 if there is a problem."""
    levels = []
    for result in run_checks(_read_settings()):
        levels.append(result.level)
        _console.print(f"[{_COLOURS[result.level]}]{result.level:7}[/]  {result.subject}: {result.message}")
        if result.remedy:
            _console.print(f"         {result.remedy}", markup=False)
    sys.exit(EXIT_PROBLEM if Level.PROBLEM in levels else 0)


@cli.command("trace")
@click.argument("job")
def trace_command(job: str) -> None:
    """Show the history of JOB, with times."""
    with _open_client() as client:
        print_trace(client, job, _console)


@cli.command("pause")
@click.argument("queue", type=_QUEUE)
def pause_command(queue: str) -> None:
    """Stop workers from claiming jobs of QUEUE. They finish those in flight."""
    with _open_client() as client:
        changed = client.ledger.run(admin.pause(Queue(queue)))
    click.echo(f"{queue} is paused{'' if changed else ' already'}. Its jobs wait; their deadlines still apply.")


@cli.command("resume")
@click.argument("queue", type=_QUEUE)
def resume_command(queue: str) -> None:
    """Let workers claim jobs of QUEUE again."""
    with _open_client() as client:
        changed = client.ledger.run(admin.resume(Queue(queue)))
    click.echo(f"{queue} is resumed; workers claim its jobs within seconds." if changed else f"{queue} was not paused.")


@cli.group("limits", invoke_without_command=True)
@click.pass_context
def limits_group(context: click.Context) -> None:
    """Override settings while the service runs. Without a subcommand, show them."""
    if context.invoked_subcommand is None:
        with _open_client() as client:
            settings_overrides.print_overrides(client, _console)


# Otherwise a value such as -1 would be taken for an option.
@limits_group.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("value")
def set_limit_command(name: str, value: str) -> None:
    """Set NAME to VALUE for all bots and workers, including those that start later."""
    with _open_client() as client:
        stored = settings_overrides.set_override(client, name, value)
    click.echo(f"{name} is {stored} within a second, until `melanoma-ops limits reset {name}`.")
    if name == "max_batch_size":
        click.echo("A worker whose own MELANOMA_MAX_BATCH_SIZE is smaller keeps to it: it has warmed no larger batch.")


@limits_group.command("reset")
@click.argument("name", required=False)
def reset_limit_command(name: str | None) -> None:
    """Let NAME, or every limit, follow the settings of each process again."""
    with _open_client() as client:
        removed = settings_overrides.reset_overrides(client, name)
    click.echo(f"Reset to the settings: {', '.join(removed)}." if removed else "Nothing had been changed.")


@cli.command("drain")
@click.argument("worker")
@click.option("--wait", type=click.FloatRange(0), default=60, show_default=True, help="Seconds to wait for its exit.")
def drain_command(worker: str, wait: float) -> None:
    """Stop WORKER as SIGTERM does. WORKER is its name in `status`, or a prefix of it."""
    with _open_client() as client:
        workers.drain_worker(client, worker, wait_s=wait, console=_console)


@cli.command("switch")
@click.argument("artefact", type=click.Path(path_type=Path), required=False)
@click.option("--back", is_flag=True, help="Return to the previous artefact, which workers keep warm.")
@click.option("--wait", type=click.FloatRange(0), default=180, show_default=True, help="Seconds to wait for workers.")
def switch_command(artefact: Path | None, back: bool, wait: float) -> None:
    """Switch all workers to ARTEFACT, a directory by the path that workers know.

    No job is lost: each worker answers with its old artefact until the new one is warm.
    """
    if (artefact is None) is not back:
        raise click.UsageError("name an ARTEFACT, or --back.")
    with _open_client() as client:
        workers.switch_artefact(client, artefact, wait_s=wait, console=_console)


@cli.group("dead")
def dead_group() -> None:
    """List, replay or drop dead letters: photographs without a decision, or without a delivered answer."""


@dead_group.command("list")
@_limit_option
def dead_list(limit: int) -> None:
    """List dead letters, the oldest first."""
    with _open_client() as client:
        letters = dead_letters.find_dead_letters(client, (), limit=limit)
        dead_letters.print_dead_letters(letters, client.ledger.run(admin.get_overview()).dead_letters, _console)


@dead_group.command("replay")
@_ids_argument
@_all_option
@_limit_option
@_yes_option
def dead_replay(ids: tuple[str, ...], every: bool, limit: int, yes: bool) -> None:
    """Try dead letters again, with a new deadline. A user who was told of the failure gets the new answer."""
    _require_ids_or_all(ids, every)
    with _open_client() as client:
        letters = dead_letters.find_dead_letters(client, ids, limit=limit)
        if every and letters and not yes:
            click.confirm(f"Try {len(letters)} dead letters again?", abort=True)
        count = dead_letters.replay(client, letters, _console)
    click.echo(f"{count} of {len(letters)} are tried again; `melanoma-ops trace JOB` shows the progress of one.")
    # `--all` leaves out what cannot be tried again, and fails only if nothing else was found.
    if count < (len(letters) if ids else min(1, len(letters))):
        sys.exit(EXIT_PROBLEM)


@dead_group.command("drop")
@_ids_argument
@_all_option
@_limit_option
@_yes_option
def dead_drop(ids: tuple[str, ...], every: bool, limit: int, yes: bool) -> None:
    """Delete dead letters. A failure of which the owner was not told yet is still delivered."""
    _require_ids_or_all(ids, every)
    with _open_client() as client:
        letters = dead_letters.find_dead_letters(client, ids, limit=limit)
        if every and letters and not yes:
            click.confirm(f"Delete {len(letters)} dead letters?", abort=True)
        dropped = dead_letters.drop(client, letters)
    click.echo(f"{len(dropped.deleted)} deleted.")
    if told_later := dropped.count - len(dropped.deleted):
        click.echo(f"{told_later} not listed any more; their owners are still told of the failure.")


@cli.group("runs")
def runs_group() -> None:
    """List or drop folder runs whose command was killed and is not resumed."""


@runs_group.command("list")
def runs_list() -> None:
    """List the folder runs with jobs."""
    with _open_client() as client:
        folder_runs.print_runs(client, _console)


@runs_group.command("drop")
@click.argument("ids", nargs=-1, metavar="[RUN]...")
@click.option("--all", "every", is_flag=True, help="All runs without a command.")
@_yes_option
def runs_drop(ids: tuple[str, ...], every: bool, yes: bool) -> None:
    """Delete the jobs of folder runs without a command, with their images. A run that is resumed submits them again."""
    _require_ids_or_all(ids, every, what="runs")
    with _open_client() as client:
        runs = folder_runs.find_ownerless(client, ids)
        if every and runs and not yes:
            click.confirm(f"Delete the jobs of {len(runs)} folder runs?", abort=True)
        deleted = sum(folder_runs.drop(client, run) for run in runs)
    click.echo(f"{deleted} jobs of {len(runs)} folder runs deleted.")


def _require_ids_or_all(ids: tuple[str, ...], every: bool, *, what: str = "jobs") -> None:
    if bool(ids) is every:
        raise click.UsageError(f"name the {what}, or --all.")


@cli.command("exporter")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=9109, show_default=True)
def exporter_command(host: str, port: int) -> None:
    """Serve metrics of the ledger to Prometheus at /metrics until stopped."""
    from ops.exporter import serve_metrics

    config = settings()
    set_up_logging(config.model_copy(update={"log_level": "error"}))
    serve_metrics(config, host, port)


def main() -> None:
    """Run the command. An error is printed as one sentence."""
    try:
        cli()
    except OpsError as error:
        print(f"melanoma-ops: {error}", file=sys.stderr)
        sys.exit(EXIT_PROBLEM)
    except SettingsError as error:
        print(f"melanoma-ops: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
