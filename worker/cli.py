"""`melanoma-worker`: arguments and exit codes."""

import argparse
import sys
from typing import Final

from worker.health.supervisor import supervise

#: The worker cannot work, and trying again without a change would not help.
EXIT_MISCONFIGURED: Final = 2


def main() -> None:
    """Run a worker until it is stopped. Exits with 0, or with 2 and one sentence if it cannot work."""
    parser = argparse.ArgumentParser(
        prog="melanoma-worker",
        description="Take photographs from the queue, classify them in batches and write the decisions."
        " One worker serves one device; start as many as you like. SIGTERM finishes the batch in flight and releases"
        " the rest.",
        epilog="Settings come from the environment or .env, REDIS_URL and MELANOMA_ARTEFACT first of all;"
        " .env.example in the project lists them. Exit codes: 0 stopped, 1 Celery's worker failed,"
        " 2 a setting, the artefact or Redis' password is wrong, or the device is broken,"
        " 137 killed (with --supervise).",
    )
    parser.add_argument(
        "--supervise",
        action="store_true",
        help="run the worker in a child process, and say so if the kernel kills it for its memory (for containers)",
    )
    if parser.parse_args().supervise:
        sys.exit(supervise([sys.argv[0]]))
    _run()


def _run() -> None:
    # Imported only here: a supervisor needs none of it, and shall take little memory.
    from shared.config.settings import SettingsError, settings
    from shared.model.artefact import ArtefactError
    from shared.redis_client.retry import RedisAccessDenied, ShutdownRequested
    from worker.app import run
    from worker.batching.prediction_check import DeviceFault

    try:
        sys.exit(run(settings()))
    except (ArtefactError, SettingsError, RedisAccessDenied, DeviceFault) as error:
        print(f"melanoma-worker: {error}", file=sys.stderr)
        sys.exit(EXIT_MISCONFIGURED)
    except (ShutdownRequested, KeyboardInterrupt):
        sys.exit(0)
