"""Rows for these tests."""

from bulk.results.result_row import AnyDecision, ResultRow
from shared.contract.decision import Refusal, RefusalReason

REFUSED = Refusal(reason=RefusalReason.DAMAGED)


def row(name: str, decision: AnyDecision) -> ResultRow:
    return ResultRow("00" * 16, name, 0.25, decision)
