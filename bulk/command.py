"""Runs the command after its arguments are parsed, and returns the exit code."""

import logging
import shlex
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redis.exceptions import RedisError
from rich.console import Console

from bulk import filenames
from bulk.inputs.scanner import Skipped
from bulk.report.terminal_summary import print_summary
from bulk.results.metadata import Metadata, MetadataError
from bulk.results.results_file import ResultsDamaged
from bulk.results.run_stats import RunStats
from bulk.run.output_directory import OutputDirectoryError, default_output, lock_directory, open_run
from bulk.run.progress import ProgressDisplay
from bulk.run.runner import FolderRunner, RunPlan
from bulk.stop_signal import StopSignal
from shared.config.settings import Settings, SettingsError, settings
from shared.contract import run_files
from shared.log import set_up_logging
from shared.redis_client.retry import RedisAccessDenied, ShutdownRequested
from shared.service import heartbeat
from shared.service.client import ServiceClient

EXIT_FAILURES: Final = 1
EXIT_USAGE: Final = 2
EXIT_REDIS: Final = 3
EXIT_OUTPUT: Final = 4
EXIT_WRITE: Final = 5

_EXPECTED: Final = (
    *(SettingsError, MetadataError, OutputDirectoryError, ResultsDamaged, RedisAccessDenied, RedisError),
    *(OSError, sqlite3.OperationalError),
)


@dataclass(frozen=True, slots=True)
class Options:
    """The command line. Without `out` the results go to a directory in the working directory."""

    folder: Path
    out: Path | None
    resume: bool
    shard: int
    window: int
    recursive: bool
    note: str
    retry: bool = False
    metadata: Path | None = None


def execute(options: Options, stop: StopSignal) -> int:
    """Run the command and return its exit code."""
    folder, out = options.folder, options.out or default_output(options.folder)
    try:
        config = settings()
        _set_up_logging(config)
        with lock_directory(out):
            run = open_run(out, folder, recursive=options.recursive, resume=options.resume or options.retry)
            metadata = Metadata(options.metadata) if options.metadata else None
            plan = RunPlan(run, out, options.window, options.shard, options.retry, metadata)
            code = _run(plan, config, stop, options.note)
    except _EXPECTED as error:
        code = _fail(*_explain(error, out))
    except (ShutdownRequested, KeyboardInterrupt):
        code = stop.exit_code
    if stop.event.is_set():
        print(f"Stopped. To continue: {_resume_command(options, out)}", file=sys.stderr)
    return code


def _explain(error: Exception, out: Path) -> tuple[int, str]:
    """Exit code and sentence for an expected error."""
    match error:
        case OutputDirectoryError():
            return EXIT_OUTPUT, str(error)
        case ResultsDamaged():
            return EXIT_OUTPUT, f"{error}: --resume sets it aside and classifies its picture again."
        case RedisAccessDenied():
            return EXIT_REDIS, str(error)
        case RedisError():
            return EXIT_REDIS, f"Redis cannot serve this run: {error}."
        case OSError():
            return _describe_write_error(str(error.filename or out), error.strerror or str(error))
        case sqlite3.OperationalError():
            return _describe_write_error(str(out / run_files.FINISHED_INDEX), str(error))
        case _:
            return EXIT_USAGE, str(error)


def _run(plan: RunPlan, config: Settings, stop: StopSignal, note: str) -> int:
    skipped = Skipped()
    total = sum(1 for _ in plan.scan(skipped, stop.event))
    stats = RunStats()
    service = ServiceClient(config, role="bulk", stop=stop.event)
    stderr, stdout = Console(stderr=True), Console(highlight=False)
    with ProgressDisplay(stderr, total) as display, service:
        FolderRunner(plan, config, service, stats).run(display, stop.event)
        display.finish(stats)
    if stop.event.is_set():
        return stop.exit_code
    try:
        if stats.done:
            with stderr.status("Writing the report"):
                _write_report(plan, config, stop, stats, note)
    finally:
        print_summary(stdout, stats, skipped, plan.out / run_files.RESULTS)
    if stats.done:
        directory = filenames.visible(str(plan.out))
        stdout.print(
            f"\nResults: {directory}/{run_files.REPORT}, {run_files.CSV_TABLE}, {run_files.RESULTS}",
            markup=False,
            soft_wrap=True,
        )
    return EXIT_FAILURES if stats.kinds["failure"] else 0


def _write_report(plan: RunPlan, config: Settings, stop: StopSignal, stats: RunStats, note: str) -> None:
    # Imported late: it brings numpy and Pillow, and the workers should not wait for the first image.
    from bulk.report.html_report import ReportSource, write_report

    source = ReportSource(plan.run.folder, plan.out / run_files.RESULTS, config.artefact)
    write_report(plan.out / run_files.REPORT, source, stats, note=note, stop=stop.event)


def _set_up_logging(config: Settings) -> None:
    # The command is used on a terminal, so its log lines are plain text unless JSON is asked for.
    log_format = "text" if config.log_format == "auto" else config.log_format
    set_up_logging(config.model_copy(update={"log_format": log_format}))
    logging.getLogger(heartbeat.__name__).setLevel(logging.WARNING)


def _resume_command(options: Options, out: Path) -> str:
    parts = ["melanoma-submit", str(options.folder), "--out", str(out), "--resume"]
    parts += ["--recursive"] if options.recursive else []
    parts += ["--metadata", str(options.metadata)] if options.metadata else []
    parts += ["--note", options.note] if options.note else []
    return filenames.visible(shlex.join(parts))


def _describe_write_error(path: str, reason: str) -> tuple[int, str]:
    return EXIT_WRITE, f"{filenames.visible(path)}: {reason}. Once that is fixed, --resume goes on."


def _fail(code: int, message: str) -> int:
    print(f"melanoma-submit: {message}", file=sys.stderr)
    return code
