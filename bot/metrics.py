"""Prometheus metrics of the bot. Labels are kinds and outcomes, nothing of a user."""

from enum import StrEnum
from itertools import product
from typing import Final

from prometheus_client import Counter, Histogram

_BUCKETS_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900)


class CallKind(StrEnum):
    """Kinds of calls of Telegram: those for updates, downloads of files, and all others."""

    POLL = "poll"
    DOWNLOAD = "download"
    METHOD = "method"


class CallOutcome(StrEnum):
    """Outcomes of calls of Telegram. An edit that would change nothing is `OK`."""

    OK = "ok"
    #: Telegram asks the bot to wait.
    TOO_FAST = "too_fast"
    #: The user blocked the bot or left.
    UNWANTED = "unwanted"
    REJECTED = "rejected"
    #: The connection broke, or Telegram failed: the call may or may not have taken effect.
    UNCERTAIN = "uncertain"
    #: Another process polls with the same token.
    CONFLICT = "conflict"
    #: The token is wrong.
    UNAUTHORIZED = "unauthorized"


class Metrics:
    """All metrics. prometheus_client appends `_total` to the names of counters."""

    def __init__(self) -> None:
        self.updates = Counter("melanoma_bot_updates", "Updates that were handled.")
        self.unreadable_updates = Counter(
            "melanoma_bot_unreadable_updates", "Updates of Telegram that this release cannot read."
        )
        self.answers = Counter("melanoma_bot_answers", "Answers that were delivered.", ["outcome"])
        self.answer_seconds = Histogram(
            "melanoma_bot_answer_seconds", "Time from the photo's acceptance to its answer.", buckets=_BUCKETS_S
        )
        self.telegram_calls = Counter("melanoma_bot_telegram_calls", "Calls of Telegram.", ["kind", "outcome"])
        # Exported as 0 from the start: Prometheus sees no increase from a series that did not exist.
        for kind, outcome in product(CallKind, CallOutcome):
            self.telegram_calls.labels(kind=kind, outcome=outcome)


METRICS: Final = Metrics()
