"""Images, jobs and work items for the worker's tests."""

import io
import time
from collections.abc import Sequence

from PIL import Image

from shared.contract.names import CONTRACT_VERSION, Queue
from shared.ledger.records import ClaimedJob
from worker.batching.work_item import FinishedItems, WorkItem


def make_jpeg(colour: str = "brown", size: tuple[int, int] = (320, 240)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "JPEG")
    return stream.getvalue()


def make_distinct_jpegs(count: int) -> list[bytes]:
    """Images of one colour each, to each of which the scripted predictor answers differently. At most 216."""
    levels = range(20, 256, 42)
    colours = [(red, green, blue) for red in levels for blue in levels for green in levels]
    return [make_jpeg(f"rgb{colour}") for colour in colours[:count]]


def make_job(
    name: str = "a", *, queue: Queue = Queue.BULK, suspect: bool = False, remaining_s: float = 60
) -> ClaimedJob:
    return ClaimedJob(
        id=name,
        contract=CONTRACT_VERSION,
        queue=queue,
        suspect=suspect,
        attempts=1,
        remaining_s=remaining_s,
        age_s=0,
        queued_s=0,
    )


def make_item(data: bytes, job: ClaimedJob | None = None, message: FinishedItems | None = None) -> WorkItem:
    job = job or make_job()
    now = time.monotonic()
    return WorkItem(
        job=job, data=data, message=message or FinishedItems(1), entered_at=now, deadline=now + job.remaining_s
    )


def wait_until_decoded(items: Sequence[WorkItem]) -> None:
    """Wait until no item waits for a decode slot. For items that the predict thread has not taken."""
    deadline = time.monotonic() + 30
    while any(item.pixels is None and item.outcome is None for item in items):
        assert time.monotonic() < deadline, "not decoded"
        time.sleep(0.002)
