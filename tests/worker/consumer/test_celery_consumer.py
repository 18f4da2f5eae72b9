"""Celery's consumer waits while Redis refuses to deliver messages, and says so once."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.broker.app import create_celery_app
from shared.broker.publisher import TaskPublisher
from shared.contract.names import Queue
from shared.ledger.records import PendingDispatch
from tests.shared.redis_client.refusals import RefusingValkey
from tests.system.support.polling import eventually

TIMEOUT_S = 60


class ConsumerProcess:
    """The process, its Redis, and what it wrote to its log."""

    def __init__(self, refusing: RefusingValkey, directory: Path, *arguments: str) -> None:
        self.refusing = refusing
        self._log_path = directory / "consumer.log"
        self._publisher = TaskPublisher(create_celery_app(refusing.url))
        self._published = 0
        self._arguments = arguments

    def __enter__(self) -> "ConsumerProcess":
        command = [sys.executable, "-m", "tests.worker.consumer.consumer_process", self.refusing.url, *self._arguments]
        with self._log_path.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def handle_a_message(self) -> None:
        self._published += 1
        self._publisher.publish([PendingDispatch(Queue.BULK, f"job{self._published}")])
        eventually(lambda: self.refusing.operator.llen("handled") == self._published)

    def log(self) -> str:
        return self._log_path.read_text()

    def events(self) -> list[dict[str, str]]:
        lines = [line for line in self.log().splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines]

    def lose_connections(self) -> None:
        """End all connections but the operator's, idle ones too, and let no other take their places."""
        self.refusing.operator.config_set("maxclients", 1)
        self.end_connections()

    def end_connections(self) -> None:
        """End all connections but the operator's."""
        operator = self.refusing.operator
        for client in operator.client_list(_type="normal"):
            if int(client["id"]) != operator.client_id():
                operator.client_kill_filter(_id=client["id"])


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsumerProcess]:
    directory = tmp_path_factory.mktemp("consumer")
    with RefusingValkey(directory) as refusing, ConsumerProcess(refusing, directory) as consumer:
        consumer.handle_a_message()
        yield consumer


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ("noreplicas", "it has fewer replicas than its min-replicas-to-write asks for"),
        ("readonly", "it is a replica, which takes no writes"),
        ("misconf", "it cannot write to its disk"),
        ("max_clients", "it has as many clients as its maxclients allows"),
    ],
)
def test_consumer_waits_for_redis_and_logs_each_reason_once(
    consumer: ConsumerProcess, refusal: str, reason: str
) -> None:
    before = len(consumer.events())

    def reasons() -> list[str]:
        return [event.get("error", "") for event in consumer.events()[before:]]

    with consumer.refusing.refuse(refusal):
        if refusal == "max_clients":
            consumer.lose_connections()
        eventually(lambda: reason in reasons())
        time.sleep(1.5)  # Long enough for several attempts.
    consumer.handle_a_message()
    eventually(lambda: consumer.events()[-1]["event"] == "messages are fetched from Redis again")
    *outage, _ = consumer.events()[before:]
    assert {event["event"] for event in outage} == {"no messages can be fetched from Redis, retrying"}
    # Before its reason, Redis may have closed the connection.
    assert len(set(reasons())) == len(reasons()) <= 3
    assert "Traceback" not in consumer.log()


def test_consumer_stops_while_it_waits_for_redis(tmp_path: Path) -> None:
    with RefusingValkey(tmp_path) as refusing, ConsumerProcess(refusing, tmp_path) as consumer:
        consumer.handle_a_message()
        with refusing.refuse("noreplicas"):
            eventually(lambda: len(consumer.events()) > 0)
            consumer.process.terminate()
            assert consumer.process.wait(TIMEOUT_S) == 0


def test_consumer_ends_with_2_where_access_is_denied_for_good(tmp_path: Path) -> None:
    with RefusingValkey(tmp_path) as refusing, ConsumerProcess(refusing, tmp_path, "--access-grace-s=1") as consumer:
        consumer.handle_a_message()
        refusing.operator.config_set("requirepass", "another")
        refusing.operator.execute_command("AUTH", "another")
        consumer.end_connections()
        assert consumer.process.wait(TIMEOUT_S) == 2
        last = consumer.events()[-1]
        assert "refuses the user or password: check REDIS_URL" in last["problem"]
        assert last["event"] == "stopping, because Redis denies access"
        assert "Traceback" not in consumer.log()
