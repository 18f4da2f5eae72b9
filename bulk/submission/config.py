"""Configuration of a submission: the owner of its jobs, and limits."""

from dataclasses import dataclass

from shared.contract.names import Queue


@dataclass(frozen=True, slots=True)
class SubmissionConfig:
    """Settings of a `Submitter`.

    Attributes:
        outbox: Name of the outbox in the ledger to which the decisions return.
        key: Makes job ids from the names of images.
        window: Maximum number of images in flight.
        shard: Images are submitted once the window has space for this many, up to four times as many in one call.
        deadline_s: Seconds within which a job must be decided.
        max_image_bytes: Larger images are refused here: they exceed the image store's whole budget.
        queue: Celery queue of the jobs. Only benchmarks use another queue than bulk.
    """

    outbox: str
    key: bytes
    window: int
    shard: int
    deadline_s: float
    max_image_bytes: int
    queue: Queue = Queue.BULK
