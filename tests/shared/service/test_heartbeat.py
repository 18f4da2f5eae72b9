"""A process keeps its lease for as long as it lives."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr

from shared.config.settings import Settings
from shared.ledger import admin
from shared.service.connections import ServiceConnections
from shared.service.heartbeat import HeartbeatThread
from tests.shared.redis_client.refusals import RefusingValkey

INCARNATION = "worker-1"


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RefusingValkey]:
    with RefusingValkey(tmp_path_factory.mktemp("refusing")) as server:
        yield server


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_that_waits_no_more_keeps_its_lease_after_an_outage(refusing: RefusingValkey) -> None:
    stop_waiting = threading.Event()
    config = Settings(redis_url=SecretStr(refusing.url), lease_s=1)
    with ServiceConnections(config, shard=1, stop=stop_waiting) as connections:
        heartbeat = HeartbeatThread(connections.ledger, connections.publisher, config, incarnation=INCARNATION)

        def lease_s() -> float:
            processes = connections.ledger.run(admin.get_overview()).processes
            return max([process.lease_left_s for process in processes if process.incarnation == INCARNATION], default=0)

        heartbeat.start()
        try:
            stop_waiting.set()
            with refusing.refuse("noreplicas"):
                wait_for(lambda: refusing.operator.info("commandstats")["cmdstat_evalsha"]["rejected_calls"] > 1)
            wait_for(lambda: lease_s() > 0.9)
            time.sleep(0.5)
            assert lease_s() > 0.5, "a second heartbeat came within half a lease"
        finally:
            heartbeat.stop()
