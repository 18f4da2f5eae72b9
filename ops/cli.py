"""`melanoma-ops`: for whoever runs the service."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from ops import dead_letters, settings_overrides, status, workers
from ops.client import AdminClient, open_admin_client
from ops.doctor.check_result import Level
from ops.doctor.checks import run_checks
from ops.errors import OpsError
from ops.trace import print_trace
from shared.config.settings import SettingsError, settings
from shared.contract.names import Queue
from shared.ledger import admin
from shared.log import set_up_logging

EXIT_WRONG: Final = 1
EXIT_USAGE: Final = 2

_COLOURS: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}

#: A pipe has no width: nothing is cut there.
_PIPE_WIDTH: Final = 250
_console: Final = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
_QUEUE: Final = click.Choice([str(queue) for queue in Queue])
_ids_argument: Final = click.argument("ids", nargs=-1, metavar="[JOB]...")
_all_option: Final = click.option("--all", "every", is_flag=True, help="The oldest --limit of them.")
_limit_option: Final = click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
_yes_option: Final = click.option("--yes", is_flag=True, help="Do not ask.")


@contextmanager
def _open_client() -> Iterator[AdminClient]:
    config = settings()
    # Redis being away is said once, by the command.
    set_up_logging(config.model_copy(update={"log_format": "text", "log_level": "error"}))
    with open_admin_client(config) as connected:
        yield connected


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Settings come from the environment or .env, REDIS_URL first of all; .env.example lists them."
    " Exit codes: 0 done, 1 something is wrong or could not be done, 2 wrong usage or a wrong setting.",
)
def cli() -> None:
    """Look after the melanoma service: is it well, what waits, what died, who works."""


@cli.command("status")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status_command(as_json: bool) -> None:
    """Jobs, queues, dead letters, pictures and processes at a glance."""
    with _open_client() as connected:
        seen = status.read_status(connected)
    if as_json:
        click.echo(status.format_json(seen))
    else:
        status.print_status(seen, _console)


@cli.command("doctor")
def doctor_command() -> None:
    """Look at everything that was set up and say what to mend; exit code 1 where something is wrong."""
    found = []
    for finding in run_checks(settings()):
        found.append(finding.level)
        _console.print(f"[{_COLOURS[finding.level]}]{finding.level:5}[/]  {finding.subject}: {finding.message}")
        if finding.remedy:
            _console.print(f"       {finding.remedy}", markup=False)
    sys.exit(EXIT_WRONG if Level.PROBLEM in found else 0)


@cli.command("trace")
@click.argument("job")
def trace_command(job: str) -> None:
    """Tell the life of JOB, with times."""
    with _open_client() as connected:
        print_trace(connected, job, _console)


@cli.command("pause")
@click.argument("queue", type=_QUEUE)
def pause_command(queue: str) -> None:
    """Let no worker take jobs of QUEUE; what they have in hand they finish."""
    with _open_client() as connected:
        changed = connected.ledger.run(admin.pause(Queue(queue)))
    click.echo(f"{queue} is paused{'' if changed else ' already'}. Its jobs wait, and their deadlines go on.")


@cli.command("resume")
@click.argument("queue", type=_QUEUE)
def resume_command(queue: str) -> None:
    """Let workers take jobs of QUEUE again."""
    with _open_client() as connected:
        changed = connected.ledger.run(admin.resume(Queue(queue)))
    click.echo(f"{queue} goes on; its jobs are taken within seconds." if changed else f"{queue} was not paused.")


@cli.group("limits", invoke_without_command=True)
@click.pass_context
def limits_group(context: click.Context) -> None:
    """Limits that can be changed while all goes on; without a command, which they are."""
    if context.invoked_subcommand is None:
        with _open_client() as connected:
            settings_overrides.print_overrides(connected, _console)


@limits_group.command("set")
@click.argument("name")
@click.argument("value")
def set_limit_command(name: str, value: str) -> None:
    """Let NAME be VALUE for all bots and workers, also those that start later."""
    with _open_client() as connected:
        written = settings_overrides.set_override(connected, name, value)
    click.echo(f"{name} is {written} within a second, until `melanoma-ops limits reset {name}`.")


@limits_group.command("reset")
@click.argument("name", required=False)
def reset_limit_command(name: str | None) -> None:
    """Let NAME, or every limit, be that of everyone's settings again."""
    with _open_client() as connected:
        gone = settings_overrides.reset_overrides(connected, name)
    click.echo(f"By the settings again: {', '.join(gone)}." if gone else "Nothing had been changed.")


@cli.command("drain")
@click.argument("worker")
@click.option("--wait", type=click.FloatRange(0), default=60, show_default=True, help="Seconds to wait for its end.")
def drain_command(worker: str, wait: float) -> None:
    """Stop WORKER as SIGTERM does. Its name, or the beginning of it, is in `status`."""
    with _open_client() as connected:
        workers.drain_worker(connected, worker, wait_s=wait, console=_console)


@cli.command("switch")
@click.argument("artefact", type=click.Path(path_type=Path), required=False)
@click.option("--back", is_flag=True, help="To the artefact before, which workers keep warm.")
@click.option("--wait", type=click.FloatRange(0), default=180, show_default=True, help="Seconds to wait for workers.")
def switch_command(artefact: Path | None, back: bool, wait: float) -> None:
    """Have all workers serve ARTEFACT, a directory by the name that workers know it by.

    No job is lost: each worker answers with its old artefact until the new one is warm.
    """
    if (artefact is None) is not back:
        raise click.UsageError("name an ARTEFACT, or --back.")
    with _open_client() as connected:
        workers.switch_artefact(connected, artefact, wait_s=wait, console=_console)


@cli.group("dead")
def dead_group() -> None:
    """Photographs that could not be decided, or whose answer could not be delivered."""


@dead_group.command("list")
@_limit_option
def dead_list(limit: int) -> None:
    """Show them, the oldest first."""
    with _open_client() as connected:
        letters = dead_letters.find_dead_letters(connected, (), limit=limit)
        dead_letters.print_dead_letters(letters, connected.ledger.run(admin.get_overview()).dead_letters, _console)


@dead_group.command("replay")
@_ids_argument
@_all_option
@_limit_option
@_yes_option
def dead_replay(ids: tuple[str, ...], every: bool, limit: int, yes: bool) -> None:
    """Have them tried again, with a new deadline. Who was told that it failed is told the new answer."""
    _require_ids_or_all(ids, every)
    with _open_client() as connected:
        letters = dead_letters.find_dead_letters(connected, ids, limit=limit)
        if every and not yes:
            click.confirm(f"Have {len(letters)} dead letters tried again?", abort=True)
        number = dead_letters.replay(connected, letters, _console)
    click.echo(f"{number} of {len(letters)} are tried again; `melanoma-ops trace JOB` shows how it goes.")


@dead_group.command("drop")
@_ids_argument
@_all_option
@_limit_option
@_yes_option
def dead_drop(ids: tuple[str, ...], every: bool, limit: int, yes: bool) -> None:
    """Forget them. Who was not told yet still will be."""
    _require_ids_or_all(ids, every)
    with _open_client() as connected:
        letters = dead_letters.find_dead_letters(connected, ids, limit=limit)
        if every and not yes:
            click.confirm(f"Forget {len(letters)} dead letters?", abort=True)
        number = dead_letters.drop(connected, letters)
    click.echo(f"{number} forgotten.")


def _require_ids_or_all(ids: tuple[str, ...], every: bool) -> None:
    if bool(ids) is every:
        raise click.UsageError("name the jobs, or --all.")


@cli.command("exporter")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=9109, show_default=True)
def exporter_command(host: str, port: int) -> None:
    """Serve the ledger's numbers to Prometheus at /metrics until stopped."""
    from ops.exporter import serve_metrics

    config = settings()
    set_up_logging(config.model_copy(update={"log_level": "error"}))
    serve_metrics(config, host, port)


def main() -> None:
    """Run the command; one sentence where it cannot."""
    try:
        cli()
    except OpsError as error:
        print(f"melanoma-ops: {error}", file=sys.stderr)
        sys.exit(EXIT_WRONG)
    except SettingsError as error:
        print(f"melanoma-ops: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
