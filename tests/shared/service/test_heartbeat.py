"""A process keeps its lease for as long as it lives."""

import threading
from collections.abc import Iterable

from pydantic import SecretStr
from redis import Redis
from structlog.testing import capture_logs

from shared.broker.publisher import TaskPublisher
from shared.config.settings import Settings
from shared.contract.names import Queue
from shared.ledger import admin, transitions
from shared.ledger.records import NewJob, PendingDispatch
from shared.ledger.script_call import KEY_PREFIX
from shared.service.connections import ServiceConnections
from shared.service.heartbeat import HeartbeatThread
from tests.shared.redis_client.refusals import RefusingValkey
from tests.system.support.polling import eventually

INCARNATION = "worker-1"


def test_a_process_that_waits_no_more_keeps_its_lease_after_an_outage(refusing: RefusingValkey) -> None:
    stop_waiting = threading.Event()
    config = Settings(redis_url=SecretStr(refusing.url), lease_s=1)
    with ServiceConnections(config, stop=stop_waiting) as connections:
        heartbeat = HeartbeatThread(connections.ledger, connections.publisher, config, incarnation=INCARNATION)

        def lease_s() -> float:
            processes = connections.ledger.run(admin.get_overview()).processes
            return max([process.lease_left_s for process in processes if process.incarnation == INCARNATION], default=0)

        heartbeat.start()
        try:
            stop_waiting.set()
            with refusing.refuse("noreplicas"):
                eventually(lambda: refusing.operator.info("commandstats")["cmdstat_evalsha"]["rejected_calls"] > 1)
            # Before the outage ended, the lease had less time left.
            eventually(lambda: lease_s() > 0.7)
        finally:
            heartbeat.stop()


def test_a_process_keeps_its_lease_while_its_sweep_publishes_many_messages(redis_url: str) -> None:
    """1,000 messages over a slow link take longer than a lease."""
    config = Settings(redis_url=SecretStr(redis_url), lease_s=1)
    publishing, published = threading.Event(), threading.Event()

    class SlowPublisher(TaskPublisher):
        def publish(self, pending: Iterable[PendingDispatch]) -> None:
            if list(pending):
                publishing.set()
                published.wait(30)

    with ServiceConnections(config) as connections:
        publisher = SlowPublisher(connections.app)
        heartbeat = HeartbeatThread(connections.ledger, publisher, config, incarnation=INCARNATION)
        heartbeat.start()
        try:
            create = transitions.create_jobs(
                [NewJob("a")], queue=Queue.BULK, outbox="bulk:test", language="en", deadline_s=60, stored=True
            )
            connections.ledger.run(create)
            with Redis.from_url(redis_url) as client:
                # Its message is lost, and the grace is over.
                client.hset(f"{KEY_PREFIX}job:a", "dispatched_at", 1)
                assert publishing.wait(30)
                for _ in range(5):
                    client.zadd(f"{KEY_PREFIX}incarnations", {INCARNATION: 1})
                    eventually(lambda: float(client.zscore(f"{KEY_PREFIX}incarnations", INCARNATION) or 0) > 1)
        finally:
            published.set()
            heartbeat.stop()


def test_a_job_that_missed_its_deadline_has_a_line_in_the_log(redis_url: str) -> None:
    config = Settings(redis_url=SecretStr(redis_url), lease_s=1)
    with ServiceConnections(config) as connections, capture_logs() as logs:
        heartbeat = HeartbeatThread(connections.ledger, connections.publisher, config, incarnation=INCARNATION)
        connections.ledger.run(
            transitions.create_jobs(
                [NewJob("late")], queue=Queue.BULK, outbox="bulk:test", language="en", deadline_s=0, stored=True
            )
        )
        heartbeat.start()
        try:
            line = {"event": "a job missed its deadline", "job": "late", "log_level": "warning"}
            eventually(lambda: line in logs)
        finally:
            heartbeat.stop()
