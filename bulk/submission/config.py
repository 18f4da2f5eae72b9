"""Configuration of a submission: whose jobs these are, and how many of them are in flight."""

from dataclasses import dataclass

from shared.contract.names import Queue


@dataclass(frozen=True, slots=True)
class SubmissionConfig:
    """Settings of a `Submitter`.

    Attributes:
        outbox: Name of the ledger's outbox that the decisions come back to.
        key: Makes job ids from the names of images.
        window: Maximum number of images in flight.
        shard: Maximum number of images in one Celery message.
        deadline_s: Seconds within which a job must be decided.
        max_image_bytes: Larger images are refused here: they exceed the image store's whole budget.
        queue: Only load runs use another one than bulk.
    """

    outbox: str
    key: bytes
    window: int
    shard: int
    deadline_s: float
    max_image_bytes: int
    queue: Queue = Queue.BULK
