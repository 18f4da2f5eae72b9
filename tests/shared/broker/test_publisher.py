"""Publishing never waits for a Redis that refuses, and never raises: the recovery sweep publishes again."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from shared.broker.app import create_celery_app
from shared.broker.publisher import TaskPublisher
from shared.contract.names import Queue
from shared.ledger.records import PendingDispatch
from tests.shared.redis_client.refusals import WRITE_REFUSALS, RefusingValkey

PENDING = [PendingDispatch(Queue.BULK, f"job{index}") for index in range(5)]


@pytest.fixture(scope="module")
def publisher(refusing: RefusingValkey) -> Iterator[TaskPublisher]:
    with create_celery_app(refusing.url) as app:
        yield TaskPublisher(app)


@pytest.mark.parametrize("refusal", WRITE_REFUSALS)
def test_a_refused_message_is_left_to_the_sweep(
    refusing: RefusingValkey, publisher: TaskPublisher, refusal: str
) -> None:
    refusing.operator.delete("bulk")
    with refusing.refuse(refusal), capture_logs() as lines:
        publisher.publish(PENDING)
    assert [line["event"] for line in lines] == ["message was not published, the recovery sweep will retry"]
    assert "Command #" not in lines[0]["error"]
    publisher.publish(PENDING)
    assert refusing.operator.llen("bulk") == len(PENDING)


def test_messages_are_published_after_a_lost_connection(refusing: RefusingValkey, publisher: TaskPublisher) -> None:
    refusing.operator.delete("bulk")
    publisher.publish(PENDING[:1])
    refusing.operator.client_kill_filter(skipme=True)
    publisher.publish(PENDING[:1])
    publisher.publish(PENDING[:1])
    assert refusing.operator.llen("bulk") >= 2, "at most one is lost with the connection"
