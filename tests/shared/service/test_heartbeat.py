"""A process keeps its lease for as long as it lives."""

import threading

from pydantic import SecretStr

from shared.config.settings import Settings
from shared.ledger import admin
from shared.service.connections import ServiceConnections
from shared.service.heartbeat import HeartbeatThread
from tests.shared.redis_client.refusals import RefusingValkey
from tests.system.support.polling import eventually

INCARNATION = "worker-1"


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
                eventually(lambda: refusing.operator.info("commandstats")["cmdstat_evalsha"]["rejected_calls"] > 1)
            # Before the outage ended, the lease had less time left.
            eventually(lambda: lease_s() > 0.7)
        finally:
            heartbeat.stop()
