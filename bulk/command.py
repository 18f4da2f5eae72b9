"""What the command does once its line is understood, and the exit code that says how it went."""

import logging
import shlex
import signal
import sqlite3
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from redis.exceptions import RedisError
from rich.console import Console

from bulk import filenames
from bulk.inputs.scanner import Skipped, scan
from bulk.report.summary import print_summary
from bulk.run import directory
from bulk.run.directory import OutputDirectoryError
from bulk.run.progress import ProgressDisplay
from bulk.run.runner import FolderRunner, RunPlan
from bulk.run.stats import RunStats
from shared.config.settings import Settings, SettingsError, settings
from shared.contract import run_files
from shared.log import set_up_logging
from shared.redis_client.retry import RedisAccessDenied, ShutdownRequested
from shared.service.client import ServiceClient

EXIT_FAILURES: Final = 1
EXIT_USAGE: Final = 2
EXIT_REDIS: Final = 3
EXIT_OUTPUT: Final = 4
EXIT_WRITE: Final = 5
#: Added to the number of the signal that ended the run.
EXIT_SIGNAL: Final = 128


@dataclass(frozen=True, slots=True)
class Options:
    """The command line. Without `out` the results go beside the working directory's other files."""

    folder: Path
    out: Path | None
    resume: bool
    shard: int
    window: int
    recursive: bool
    note: str


def execute(options: Options) -> int:
    """Run the command and return its exit code. Takes over SIGINT and SIGTERM."""
    folder, out = options.folder, options.out or directory.default_output(options.folder)
    stop = _Stop()
    try:
        config = settings()
        _set_up_logging(config)
        with directory.lock_directory(out):
            run = directory.open_run(out, folder, recursive=options.recursive, resume=options.resume)
            code = _run(RunPlan(run, out, options.window, options.shard), config, stop, options.note)
    except SettingsError as error:
        code = _fail(EXIT_USAGE, str(error))
    except OutputDirectoryError as error:
        code = _fail(EXIT_OUTPUT, str(error))
    except RedisAccessDenied as error:
        code = _fail(EXIT_REDIS, str(error))
    except RedisError as error:
        code = _fail(EXIT_REDIS, f"Redis cannot serve this run: {error}.")
    except OSError as error:
        where = filenames.visible(str(error.filename or out))
        code = _cannot_write(where, error.strerror or str(error))
    except sqlite3.OperationalError as error:
        code = _cannot_write(filenames.visible(str(out / run_files.INDEX)), str(error))
    except (ShutdownRequested, KeyboardInterrupt):
        code = stop.exit_code
    if stop.event.is_set():
        print(f"Stopped. To go on: {_again(options, out)}", file=sys.stderr)
    return code


class _Stop:
    """The first Ctrl-C or SIGTERM asks the run to stop; the second one ends it at once."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.exit_code = EXIT_SIGNAL + signal.SIGINT
        self._before = {number: signal.signal(number, self._asked) for number in (signal.SIGINT, signal.SIGTERM)}

    def _asked(self, number: int, _: FrameType | None) -> None:
        self.event.set()
        self.exit_code = EXIT_SIGNAL + number
        for known, handler in self._before.items():
            signal.signal(known, handler)


def _run(plan: RunPlan, config: Settings, stop: _Stop, note: str) -> int:
    skipped = Skipped()
    total = _count(plan, skipped)
    tally = RunStats()
    try:
        connection = ServiceClient(config, role="bulk", shard=plan.shard, stop=stop.event)
    except ValueError as error:
        return _fail(EXIT_USAGE, f"REDIS_URL is not the address of a Redis: {error}.")
    to_people = Console(stderr=True)
    with ProgressDisplay(to_people, total) as display, connection:
        FolderRunner(plan, config, connection, tally).run(display, stop.event)
        display.finish(tally)
    if stop.event.is_set():
        return stop.exit_code
    screen = Console(highlight=False)
    print_summary(screen, tally, skipped, plan.out / run_files.RESULTS)
    if tally.done:
        # Only now: it brings numpy and Pillow, and the workers should not wait for their first picture.
        from bulk.report.html_report import Source, write_report

        source = Source(plan.run.folder, plan.out / run_files.RESULTS, config.artefact)
        with to_people.status("Writing the report"):
            write_report(plan.out / run_files.REPORT, source, tally, note=note, stop=stop.event)
        screen.print(
            f"\nResults: {filenames.visible(str(plan.out))}/{run_files.REPORT}, {run_files.TABLE}, {run_files.RESULTS}",
            markup=False,
            soft_wrap=True,
        )
    return EXIT_FAILURES if tally.kinds["failure"] else 0


def _count(plan: RunPlan, skipped: Skipped) -> int:
    """How many candidates there are now, for the progress bar."""
    run = plan.run
    return sum(1 for _ in scan(run.folder, recursive=run.recursive, leave_out=plan.out, skipped=skipped))


def _set_up_logging(config: Settings) -> None:
    # This is a command and not a service: lines for people, unless JSON was asked for.
    form = "text" if config.log_format == "auto" else config.log_format
    set_up_logging(config.model_copy(update={"log_format": form}))
    logging.getLogger("shared.service.maintenance").setLevel(logging.WARNING)


def _again(options: Options, out: Path) -> str:
    parts = ["melanoma-submit", str(options.folder), "--out", str(out), "--resume"]
    parts += ["--recursive"] if options.recursive else []
    parts += ["--note", options.note] if options.note else []
    return filenames.visible(shlex.join(parts))


def _cannot_write(where: str, why: str) -> int:
    return _fail(EXIT_WRITE, f"{where}: {why}. Once that is mended, --resume goes on.")


def _fail(code: int, sentence: str) -> int:
    print(f"melanoma-submit: {sentence}", file=sys.stderr)
    return code
