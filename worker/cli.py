"""The `melanoma-worker` command."""

import argparse
import sys
from typing import Final

from worker.exit_codes import EXIT_MISCONFIGURED
from worker.supervision.kill_report import run_and_report_kill
from worker.supervision.sizing import AUTO

_MAX_PROCESSES: Final = 99


def main() -> None:
    """Run a worker until it is stopped. Exits with 0, or with 2 and one sentence if it cannot work."""
    parser = argparse.ArgumentParser(
        prog="melanoma-worker",
        description="Take photographs from the queue, classify them in batches and write the decisions."
        " SIGTERM finishes the batch in flight and releases the rest.",
        epilog="Settings come from the environment or .env, REDIS_URL and MELANOMA_ARTEFACT first of all;"
        " .env.example in the project lists them. Exit codes: 0 stopped, 1 Celery's worker failed,"
        " 2 a setting, the artefact or Redis' password is wrong, or the device is broken,"
        " 137 killed (with --report-kills).",
    )
    parser.add_argument(
        "--processes",
        type=_read_processes,
        metavar="N|auto",
        help="worker processes that share the device and split the cores; auto: one for each four cores, as far as the"
        " memory suffices. Default: MELANOMA_PROCESSES.",
    )
    parser.add_argument(
        "--report-kills",
        action="store_true",
        help="run the worker in a child process, and say so if the kernel kills it for its memory (for containers)",
    )
    arguments = parser.parse_args()
    if arguments.report_kills:
        sys.exit(run_and_report_kill([argument for argument in sys.argv if argument != "--report-kills"]))
    _run(arguments.processes)


def _run(processes: str | None) -> None:
    # Imported only here: a process that reports kills needs none of it, and shall take little memory.
    from shared.config.settings import SettingsError, settings
    from shared.model.artefact import ArtefactError
    from shared.redis_client.retry import RedisAccessDenied, ShutdownRequested
    from worker.batching.prediction_check import DeviceFault
    from worker.supervision.parent import end_with_supervisor
    from worker.supervision.sizing import choose_sizing

    try:
        end_with_supervisor()
        config = settings()
        sizing = choose_sizing(processes or config.processes)
        if sizing.processes > 1:
            from worker.supervision.supervisor import Supervisor

            sys.exit(Supervisor(config, sizing).run())
        # Imported here: a supervisor needs neither Celery nor a runtime.
        from worker.app import run

        sys.exit(run(config))
    except (ArtefactError, SettingsError, RedisAccessDenied, DeviceFault) as error:
        print(f"melanoma-worker: {error}", file=sys.stderr)
        sys.exit(EXIT_MISCONFIGURED)
    except (ShutdownRequested, KeyboardInterrupt):
        sys.exit(0)


def _read_processes(text: str) -> str:
    if text != AUTO and not (text.isdecimal() and 1 <= int(text) <= _MAX_PROCESSES):
        raise argparse.ArgumentTypeError(f"{text} is neither {AUTO} nor a number from 1 to {_MAX_PROCESSES}")
    return text


if __name__ == "__main__":
    main()
