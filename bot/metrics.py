"""Prometheus metrics of the bot. Labels are kinds: nothing of a person."""

from typing import Final

from prometheus_client import Counter, Histogram

_SECONDS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900)


class Metrics:
    """All of them; times in seconds."""

    def __init__(self) -> None:
        self.updates = Counter("melanoma_bot_updates", "Updates handled.")
        self.answers = Counter("melanoma_bot_answers", "Answers delivered.", ["outcome"])
        self.answer_seconds = Histogram(
            "melanoma_bot_answer_seconds", "From the photograph's acceptance to its answer.", buckets=_SECONDS
        )
        self.telegram_errors = Counter("melanoma_bot_telegram_errors", "Calls that Telegram did not take.", ["kind"])


METRICS: Final = Metrics()
