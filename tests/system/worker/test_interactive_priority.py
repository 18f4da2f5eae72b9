"""Interactive images do not wait for a folder run."""

import statistics
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from bulk.inputs.input_image import InputImage
from bulk.results.result_row import ResultRow
from bulk.submission.config import SubmissionConfig
from bulk.submission.submitter import Submitter
from shared.broker.app import create_celery_app
from shared.broker.publisher import TaskPublisher
from shared.contract.names import Queue
from shared.image_store.store import ImageStore
from shared.ledger.ledger import Ledger
from shared.redis_client.client import create_client
from shared.redis_client.retry import RedisRetry
from tests.system.conftest import IMAGES
from tests.system.support.stack import ServiceStack

pytestmark = pytest.mark.system

INTERACTIVE_IMAGES = 20

#: Bulk images that may be answered between two interactive ones: what a worker has in memory, `max_bulk_in_flight`.
MAX_ROWS_BETWEEN = 96


def test_interactive_images_overtake_a_folder(stack: ServiceStack, folder: Path) -> None:
    stack.start_worker()
    submission = stack.submit(folder, "--window", "2000")
    submission.wait_for_rows(100)
    answers: list[ResultRow] = []
    rows_at_answer: list[int] = []

    def record(results: Sequence[ResultRow]) -> None:
        answers.extend(results)
        rows_at_answer.append(submission.row_count())

    with create_client(stack.broker.url) as client:
        retry = RedisRetry("test")
        Submitter(
            Ledger(client, retry),
            ImageStore(client, retry, budget_bytes=2**28, ttl_s=60),
            TaskPublisher(create_celery_app(stack.broker.url)),
            SubmissionConfig(
                outbox="chat",
                key=b"chat",
                window=1,
                shard=1,
                deadline_s=60,
                max_image_bytes=2**28,
                queue=Queue.INTERACTIVE,
            ),
            on_results=record,
        ).run(InputImage(path.name, path.read_bytes) for path in sorted(folder.iterdir())[:INTERACTIVE_IMAGES])
    assert [answer.decision.kind for answer in answers] == ["verdict"] * INTERACTIVE_IMAGES
    assert rows_at_answer[-1] < IMAGES, "images of the folder were still waiting"
    # An image waits for bulk images that were in memory before it, not for those that wait in the queue.
    between = [after - before for before, after in pairwise(rows_at_answer)]
    assert statistics.median(between) <= MAX_ROWS_BETWEEN, between
    assert submission.finish() == 0
