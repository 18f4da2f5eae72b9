"""`melanoma-ops`: for whoever runs the service."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from ops import dead_letters, overrides, status, workers
from ops.client import AdminClient, open_admin_client
from ops.doctor.check_result import Level
from ops.doctor.checks import run_checks
from ops.errors import OpsError
from ops.trace import trace
from shared.config.settings import SettingsError, settings
from shared.contract.names import Queue
from shared.ledger import admin
from shared.log import set_up_logging

EXIT_WRONG: Final = 1
EXIT_USAGE: Final = 2

_COLOURS: Final = {Level.GOOD: "green", Level.NOTE: "yellow", Level.WRONG: "red"}

#: A pipe has no width: nothing is cut there.
_WIDE: Final = 250
_screen: Final = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
_queue: Final = click.Choice([str(queue) for queue in Queue])
_ids: Final = click.argument("ids", nargs=-1, metavar="[JOB]...")
_every: Final = click.option("--all", "every", is_flag=True, help="The oldest --limit of them.")
_limit: Final = click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
_yes: Final = click.option("--yes", is_flag=True, help="Do not ask.")


@contextmanager
def _connected() -> Iterator[AdminClient]:
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
    with _connected() as connected:
        seen = status.look(connected)
    if as_json:
        click.echo(status.as_json(seen))
    else:
        status.show(seen, _screen)


@cli.command("doctor")
def doctor_command() -> None:
    """Look at everything that was set up and say what to mend; exit code 1 where something is wrong."""
    found = []
    for finding in run_checks(settings()):
        found.append(finding.level)
        _screen.print(f"[{_COLOURS[finding.level]}]{finding.level:5}[/]  {finding.where}: {finding.what}")
        if finding.remedy:
            _screen.print(f"       {finding.remedy}", markup=False)
    sys.exit(EXIT_WRONG if Level.WRONG in found else 0)


@cli.command("trace")
@click.argument("job")
def trace_command(job: str) -> None:
    """Tell the life of JOB, with times."""
    with _connected() as connected:
        trace(connected, job, _screen)


@cli.command("pause")
@click.argument("queue", type=_queue)
def pause_command(queue: str) -> None:
    """Let no worker take jobs of QUEUE; what they have in hand they finish."""
    with _connected() as connected:
        changed = connected.ledger.run(admin.pause(Queue(queue)))
    click.echo(f"{queue} is paused{'' if changed else ' already'}. Its jobs wait, and their deadlines go on.")


@cli.command("resume")
@click.argument("queue", type=_queue)
def resume_command(queue: str) -> None:
    """Let workers take jobs of QUEUE again."""
    with _connected() as connected:
        changed = connected.ledger.run(admin.resume(Queue(queue)))
    click.echo(f"{queue} goes on; its jobs are taken within seconds." if changed else f"{queue} was not paused.")


@cli.group("limits", invoke_without_command=True)
@click.pass_context
def limits_group(context: click.Context) -> None:
    """Limits that can be changed while all goes on; without a command, which they are."""
    if context.invoked_subcommand is None:
        with _connected() as connected:
            overrides.show(connected, _screen)


@limits_group.command("set")
@click.argument("name")
@click.argument("value")
def set_limit_command(name: str, value: str) -> None:
    """Let NAME be VALUE for all bots and workers, also those that start later."""
    with _connected() as connected:
        written = overrides.change(connected, name, value)
    click.echo(f"{name} is {written} within a second, until `melanoma-ops limits reset {name}`.")


@limits_group.command("reset")
@click.argument("name", required=False)
def reset_limit_command(name: str | None) -> None:
    """Let NAME, or every limit, be that of everyone's settings again."""
    with _connected() as connected:
        gone = overrides.reset(connected, name)
    click.echo(f"By the settings again: {', '.join(gone)}." if gone else "Nothing had been changed.")


@cli.command("drain")
@click.argument("worker")
@click.option("--wait", type=click.FloatRange(0), default=60, show_default=True, help="Seconds to wait for its end.")
def drain_command(worker: str, wait: float) -> None:
    """Stop WORKER as SIGTERM does. Its name, or the beginning of it, is in `status`."""
    with _connected() as connected:
        workers.drain(connected, worker, wait_s=wait, screen=_screen)


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
    with _connected() as connected:
        workers.switch(connected, artefact, wait_s=wait, screen=_screen)


@cli.group("dead")
def dead_group() -> None:
    """Photographs that could not be decided, or whose answer could not be delivered."""


@dead_group.command("list")
@_limit
def dead_list(limit: int) -> None:
    """Show them, the oldest first."""
    with _connected() as connected:
        letters = dead_letters.find(connected, (), limit=limit)
        dead_letters.show(letters, connected.ledger.run(admin.get_overview()).dead_letters, _screen)


@dead_group.command("replay")
@_ids
@_every
@_limit
@_yes
def dead_replay(ids: tuple[str, ...], every: bool, limit: int, yes: bool) -> None:
    """Have them tried again, with a new deadline. Who was told that it failed is told the new answer."""
    _named_or_all(ids, every)
    with _connected() as connected:
        letters = dead_letters.find(connected, ids, limit=limit)
        if every and not yes:
            click.confirm(f"Have {len(letters)} dead letters tried again?", abort=True)
        number = dead_letters.replay(connected, letters, _screen)
    click.echo(f"{number} of {len(letters)} are tried again; `melanoma-ops trace JOB` shows how it goes.")


@dead_group.command("drop")
@_ids
@_every
@_limit
@_yes
def dead_drop(ids: tuple[str, ...], every: bool, limit: int, yes: bool) -> None:
    """Forget them. Who was not told yet still will be."""
    _named_or_all(ids, every)
    with _connected() as connected:
        letters = dead_letters.find(connected, ids, limit=limit)
        if every and not yes:
            click.confirm(f"Forget {len(letters)} dead letters?", abort=True)
        number = dead_letters.drop(connected, letters)
    click.echo(f"{number} forgotten.")


def _named_or_all(ids: tuple[str, ...], every: bool) -> None:
    if bool(ids) is every:
        raise click.UsageError("name the jobs, or --all.")


@cli.command("exporter")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=9109, show_default=True)
def exporter_command(host: str, port: int) -> None:
    """Serve the ledger's numbers to Prometheus at /metrics until stopped."""
    from ops.exporter import export

    config = settings()
    set_up_logging(config.model_copy(update={"log_level": "error"}))
    export(config, host, port)


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
