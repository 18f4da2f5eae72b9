"""The command `melanoma-local`."""

import os
import re
import sys
from pathlib import Path

import click

from local.demo import demo
from local.demo_output import OutputError
from local.embedded_valkey import BrokerError
from local.flower import flower_command
from local.preflight import check_port
from local.up import up
from local.worker_processes import StartError
from shared.config.settings import SettingsError, settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run the whole service on this machine. If REDIS_URL is set, in the environment or in .env, that Redis is used.

    Otherwise an embedded one is started.
    """


def _check_workers(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"auto|[1-9]\d?", value):
        raise click.BadParameter(f"{value} is neither auto nor a number from 1 to 99.")
    return value


@cli.command("up")
@click.option(
    "--workers",
    default="1",
    show_default=True,
    help="Number of worker processes, or auto: see melanoma-worker --help.",
    callback=_check_workers,
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".local"),
    show_default=True,
    help="Directory for the broker's data and the logs.",
)
def up_command(workers: str, directory: Path) -> None:
    """Keep a broker, workers, Flower and the bot running until Ctrl-C.

    Without BOT_TOKEN the bot uses a simulator of Telegram, which has a chat page for the browser.
    """
    up(directory, workers)


@cli.command("demo")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-out"),
    show_default=True,
    help="Directory for the results. Results of an earlier demo in it are replaced; nothing else is.",
)
def demo_command(folder: Path | None, out: Path) -> None:
    """Start everything, submit FOLDER (by default rendered samples), show the results, stop everything."""
    sys.exit(demo(folder, out))


@cli.command("flower")
def flower_only() -> None:
    """Run Flower alone, on the Redis of the settings."""
    config = settings()
    check_port("MELANOMA_FLOWER", config.flower_address, config.flower_port)
    flower, secrets = flower_command(config)
    os.environ.update(secrets)
    os.execv(flower[0], flower)  # noqa: S606 - our own command line


def main() -> None:
    """Run the command. If it cannot start, print one sentence and exit with code 2."""
    try:
        cli()
    except (BrokerError, OutputError, SettingsError, StartError) as error:
        print(f"melanoma-local: {error}", file=sys.stderr)
        sys.exit(2)
