"""Prometheus metrics of the bot. Labels are kinds and outcomes, nothing of a user."""

from typing import Final

from prometheus_client import Counter, Histogram

_BUCKETS_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900)


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
        self.telegram_errors = Counter("melanoma_bot_telegram_errors", "Failed attempts to send an answer.", ["kind"])


METRICS: Final = Metrics()
