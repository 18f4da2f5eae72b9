"""Prometheus metrics of a worker. Labels are queues, kinds and reasons: nothing about a user."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS_BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
_SIZE_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """All metrics but the scores. A metric registers itself when it is created."""

    def __init__(self) -> None:
        self.batch_size = Histogram("melanoma_batch_size", "Images in one forward pass.", buckets=_SIZE_BUCKETS)
        self.queue_wait = Histogram(
            "melanoma_queue_wait_seconds",
            "From the dispatch of the message to the claim.",
            ["queue"],
            buckets=_SECONDS_BUCKETS,
        )
        self.pipeline_wait = Histogram(
            "melanoma_pipeline_wait_seconds",
            "From entering the pipeline to predict, less decode.",
            ["queue"],
            buckets=_SECONDS_BUCKETS,
        )
        self.decode = Histogram("melanoma_decode_seconds", "Decode of one image.", buckets=_SECONDS_BUCKETS)
        self.predict = Histogram("melanoma_predict_seconds", "Forward pass of one batch.", buckets=_SECONDS_BUCKETS)
        self.end_to_end = Histogram(
            "melanoma_end_to_end_seconds", "From acceptance to the decision.", ["queue"], buckets=_SECONDS_BUCKETS
        )
        self.in_flight = Gauge(
            "melanoma_in_flight", "Images in this worker now.", ["queue"], multiprocess_mode="livesum"
        )
        # Of several processes in one container each reports the same share.
        self.cpu_throttled = Gauge(
            "melanoma_cpu_throttled_ratio",
            "Share of the last minute's CPU periods in which the container's CPU limit held the worker back.",
            multiprocess_mode="livemax",
        )
        self.decisions = Counter("melanoma_decisions_total", "Decisions that were written first.", ["kind"])
        self.refusals = Counter("melanoma_refusals_total", "Refused images.", ["reason"])
        self.verdicts = Counter("melanoma_verdicts_total", "Verdicts that were written first.", ["band", "population"])


METRICS: Final = Metrics()
