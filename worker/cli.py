"""`melanoma-worker`: arguments and exit codes."""

import argparse
import sys
from typing import Final

from shared.config.settings import SettingsError, settings
from shared.model.artefact import ArtefactError
from shared.redis_client.retry import RedisAccessDenied, ShutdownRequested
from worker.app import run
from worker.batching.prediction_check import DeviceFault

#: The worker cannot work, and trying again without a change would not help.
EXIT_MISCONFIGURED: Final = 2


def main() -> None:
    """Run a worker until it is stopped. Exits with 0, or with 2 and one sentence if it cannot work."""
    argparse.ArgumentParser(
        prog="melanoma-worker",
        description="Take photographs from the queue, classify them in batches and write the decisions."
        " One worker serves one device; start as many as you like. SIGTERM finishes the batch in flight and releases"
        " the rest.",
        epilog="Settings come from the environment or .env, REDIS_URL and MELANOMA_ARTEFACT first of all;"
        " .env.example in the project lists them. Exit codes: 0 stopped, 1 Celery's worker failed,"
        " 2 a setting, the artefact or Redis' password is wrong, or the device is broken.",
    ).parse_args()
    try:
        sys.exit(run(settings()))
    except (ArtefactError, SettingsError, RedisAccessDenied, DeviceFault) as error:
        print(f"melanoma-worker: {error}", file=sys.stderr)
        sys.exit(EXIT_MISCONFIGURED)
    except (ShutdownRequested, KeyboardInterrupt):
        sys.exit(0)
