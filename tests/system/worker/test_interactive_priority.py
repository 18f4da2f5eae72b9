"""Interactive images do not wait for a folder run."""

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
from tests.system.support.stack import ServiceStack

pytestmark = pytest.mark.system

INTERACTIVE_IMAGES = 20


def test_interactive_images_overtake_a_folder(stack: ServiceStack, folder: Path) -> None:
    stack.start_worker()
    submission = stack.submit(folder, "--window", "2000")
    submission.wait_for_rows(100)
    answers: list[ResultRow] = []
    with create_client(stack.broker.url) as client:
        retry = RedisRetry("test")
        Submitter(
            Ledger(client, retry),
            ImageStore(client, retry, budget_bytes=2**28, ttl_s=60),
            TaskPublisher(create_celery_app(stack.broker.url), shard=1),
            SubmissionConfig(
                outbox="chat",
                key=b"chat",
                window=1,
                shard=1,
                deadline_s=60,
                max_image_bytes=2**28,
                queue=Queue.INTERACTIVE,
            ),
            on_results=answers.extend,
        ).run(InputImage(path.name, path.read_bytes) for path in sorted(folder.iterdir())[:INTERACTIVE_IMAGES])
    rows = submission.row_count()
    assert [answer.decision.kind for answer in answers] == ["verdict"] * INTERACTIVE_IMAGES
    assert rows < 2000, "all were answered while images of the folder were still waiting"
    assert submission.finish() == 0
