"""A person in a chat does not wait for a clinic's folder."""

from pathlib import Path

import pytest

from bulk.submission.items import ImageResult, InputImage
from bulk.submission.submitter import Submitter
from shared.broker.app import create_celery_app
from shared.broker.publisher import TaskPublisher
from shared.contract.names import Queue
from shared.image_store.store import ImageStore
from shared.ledger.ledger import Ledger
from shared.redis_client.client import create_client
from shared.redis_client.retry import RedisRetry
from tests.system.stack import House

pytestmark = pytest.mark.system

PEOPLE = 20


def test_interactive_pictures_overtake_a_folder(house: House, folder: Path) -> None:
    house.start_worker()
    submission = house.submit(folder, "--window", "2000")
    submission.wait_for(100)
    answers: list[ImageResult] = []
    with create_client(house.broker.url) as client:
        retry = RedisRetry("test")
        Submitter(
            ledger=Ledger(client, retry),
            store=ImageStore(client, retry, budget_bytes=2**28, ttl_s=60),
            publisher=TaskPublisher(create_celery_app(house.broker.url), shard=1),
            outbox="chat",
            key=b"chat",
            window=1,
            shard=1,
            deadline_s=60,
            store_budget=2**28,
            queue=Queue.INTERACTIVE,
            on_answers=answers.extend,
        ).run(InputImage(path.name, path.read_bytes) for path in sorted(folder.iterdir())[:PEOPLE])
    behind = submission.count()
    assert [answer.decision.kind for answer in answers] == ["verdict"] * PEOPLE
    assert behind < 2000, "all of them were answered while the folder was still waiting"
    assert submission.finish() == 0
