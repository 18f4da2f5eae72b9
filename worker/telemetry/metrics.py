"""Prometheus metrics of a worker. Labels are queues and reasons: nothing of a person."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS_BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
_SIZE_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """All of them; times in seconds."""

    def __init__(self) -> None:
        self.batch_size = Histogram("melanoma_batch_size", "Pictures in one forward pass.", buckets=_SIZE_BUCKETS)
        self.queue_wait = Histogram(
            "melanoma_queue_wait_seconds",
            "From the message being sent to the claim.",
            ["queue"],
            buckets=_SECONDS_BUCKETS,
        )
        self.pipeline_wait = Histogram(
            "melanoma_pipeline_wait_seconds",
            "From the claim to predict, less decode.",
            ["queue"],
            buckets=_SECONDS_BUCKETS,
        )
        self.decode = Histogram("melanoma_decode_seconds", "Decode of one picture.", buckets=_SECONDS_BUCKETS)
        self.predict = Histogram("melanoma_predict_seconds", "Forward pass of one batch.", buckets=_SECONDS_BUCKETS)
        self.end_to_end = Histogram(
            "melanoma_end_to_end_seconds", "From acceptance to the decision.", ["queue"], buckets=_SECONDS_BUCKETS
        )
        self.in_flight = Gauge("melanoma_in_flight", "Pictures in this worker now.", ["queue"])
        self.decisions = Counter("melanoma_decisions_total", "Decisions that stood.", ["kind"])
        self.refusals = Counter("melanoma_refusals_total", "Refused pictures.", ["reason"])
        self.verdicts = Counter("melanoma_verdicts_total", "Verdicts that stood.", ["band", "population"])
        self.dead_letters = Counter("melanoma_dead_letters_total", "Pictures that could not be decided.", ["reason"])


METRICS: Final = Metrics()
