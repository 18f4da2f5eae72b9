"""Creates jobs in a ledger and runs `melanoma-ops` in this process."""

from typing import Final

from click.testing import CliRunner, Result

from ops import cli
from shared.contract.decision import Failure, FailureReason
from shared.contract.names import Queue
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import NewJob

FAILED: Final = Failure(reason=FailureReason.PREDICT_FAILED, detail="ResourceExhaustedError")


def create_jobs(ledger: Ledger, *ids: str, outbox: str = "telegram") -> None:
    jobs = [NewJob(id_) for id_ in ids]
    ledger.run(
        transitions.create_jobs(jobs, queue=Queue.INTERACTIVE, outbox=outbox, language="en", deadline_s=60, stored=True)
    )


def create_dead_letters(ledger: Ledger, *ids: str, outbox: str = "telegram") -> None:
    """Create dead letters that were answered."""
    create_jobs(ledger, *ids, outbox=outbox)
    ledger.run(transitions.decide([(id_, FAILED) for id_ in ids]))
    ledger.run(transitions.complete(ids, retention_s=0))


def run_ops(*arguments: str, stdin: str = "") -> Result:
    result = CliRunner().invoke(cli.cli, arguments, input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
