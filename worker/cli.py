"""`melanoma-worker`: verify the artefact, load, warm, then take messages."""

import argparse
import gc
import logging
import os
import signal
import sys
import threading
from typing import Any, Final

import structlog
from celery import Celery
from celery.signals import setup_logging, worker_ready, worker_shutting_down
from celery.utils.nodenames import gethostname
from prometheus_client import REGISTRY, start_http_server

from shared.config.overrides import SettingsOverrides
from shared.config.settings import Settings, SettingsError, settings
from shared.contract.names import READY_EVENT, Queue
from shared.ids import new_incarnation
from shared.log import set_up_logging
from shared.model.artefact import ArtefactError, read_artefact
from shared.redis_client.retry import RedisAccessDenied, ShutdownRequested
from shared.service.connections import ServiceConnections
from shared.service.maintenance import MaintenanceThread
from worker.consumer.celery_consumer import EventBatchingConsumer
from worker.consumer.task_handler import TaskHandler
from worker.consumer.task_slots import PriorityQueueOrder, TaskSlots
from worker.consumer.tasks import register_tasks
from worker.consumer.throughput import ThroughputEstimator
from worker.health.liveness import LivenessFile, StallTimer
from worker.health.watchdog import Watchdog
from worker.serving.model_manager import ModelManager, load_model
from worker.serving.reconciler import Reconciler
from worker.telemetry.queue_metrics import QueueMetricsCollector

log = structlog.get_logger(__name__)

#: The worker cannot start and trying again without a change would not help.
EXIT_MISCONFIGURED: Final = 2

_SWITCH_INTERVAL_S: Final = 0.0005

_NICENESS: Final = 5


def main() -> None:
    """Run a worker until it is told to stop. Exits with 0, or with 2 and one sentence where it cannot start."""
    argparse.ArgumentParser(
        prog="melanoma-worker",
        description="Take photographs from the queue, classify them in batches, write the decisions."
        " One worker serves one device; start as many as you like. SIGTERM finishes the batch in hand and gives"
        " the rest back.",
        epilog="Settings come from the environment or .env, REDIS_URL and MELANOMA_ARTEFACT first of all;"
        " .env.example in the project lists them. Exit codes: 0 stopped, 1 the queue's client failed,"
        " 2 a setting, the artefact or Redis' password is wrong.",
    ).parse_args()
    try:
        sys.exit(_run(settings()))
    except (ArtefactError, SettingsError, RedisAccessDenied) as error:
        print(f"melanoma-worker: {error}", file=sys.stderr)
        sys.exit(EXIT_MISCONFIGURED)
    except (ShutdownRequested, KeyboardInterrupt):
        sys.exit(0)


def _run(config: Settings) -> int:
    set_up_logging(config)
    # On a machine that is shared with Redis or a client, those answer at once while we compute: each hop of an
    # urgent picture would otherwise wait for its turn behind our threads. Nothing changes where we are alone.
    os.nice(_NICENESS)
    # Before the wait for a Redis that is away: a damaged artefact is said at once.
    read_artefact(config.artefact)
    stop = threading.Event()
    # Until Celery takes the signals over, a stop only has to end the waiting for Redis.
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    connections = ServiceConnections(config, shard=config.max_batch_size, stop=stop)
    app, ledger, publisher = connections.app, connections.ledger, connections.publisher
    connections.check_ledger()

    servings = ModelManager(load_model(config.artefact, config), lambda directory: load_model(directory, config))
    incarnation = new_incarnation("worker")
    service = TaskHandler(
        ledger=ledger,
        store=connections.store,
        publisher=publisher,
        servings=servings,
        incarnation=incarnation,
        max_bulk_in_flight=config.max_bulk_in_flight,
        max_attempts=config.max_attempts,
    )
    intake = TaskSlots(config.task_slots)
    app.conf.broker_transport_options["queue_order_strategy"] = lambda: PriorityQueueOrder(intake)
    pace = ThroughputEstimator(intake, servings.images_per_second)
    register_tasks(app, service, intake, pace)
    maintenance = MaintenanceThread(
        ledger, publisher, config, incarnation=incarnation, images_per_second=pace.images_per_second
    )
    maintenance.start()
    watchdog = Watchdog(servings, service, limit_s=config.decode_timeout_s)
    watchdog.start()
    follower = Reconciler(ledger, servings, SettingsOverrides(config), incarnation=incarnation)
    follower.start()
    ticks = StallTimer(excused=follower.is_redis_unresponsive)
    app.conf.melanoma_tick = ticks.tick
    pulse = LivenessFile(config.liveness_file, servings.batch_age_s, ticks.stalled_s) if config.liveness_file else None
    if pulse is not None:
        pulse.start()
    if config.metrics_port:
        REGISTRY.register(QueueMetricsCollector(ledger))
        start_http_server(config.metrics_port, addr=config.metrics_host)
    # The thread that predicts waits for the interpreter's lock after each batch; at Python's 5 ms it would wait long.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    # All that was made until now stays: the collector need not look at it again.
    gc.collect()
    gc.freeze()

    @worker_ready.connect(weak=False)  # type: ignore[untyped-decorator]
    def _say_ready(**_: Any) -> None:
        serving = servings.current
        log.info(READY_EVENT, artefact=serving.manifest.title, device=serving.device, incarnation=incarnation)

    @worker_shutting_down.connect(weak=False)  # type: ignore[untyped-decorator]
    def _drain(**_: Any) -> None:
        log.info("stopping: finishing the batch in hand, giving back the rest")
        stop.set()
        service.drain()

    code = _serve(app, config, incarnation)
    follower.stop()
    if pulse is not None:
        pulse.stop()
    watchdog.stop()
    servings.release()
    servings.join()
    maintenance.stop()
    log.info("stopped")
    return code


def _serve(app: Celery, config: Settings, incarnation: str) -> int:
    @setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]
    def _keep_ours(**_: Any) -> None:
        """Celery would set up logging of its own where nobody answers this."""

    worker = app.Worker(
        consumer_cls=EventBatchingConsumer,
        hostname=f"{incarnation}@{gethostname()}",
        pool="threads",
        concurrency=config.task_slots,
        queues=[str(queue) for queue in Queue],
        task_events=True,
        without_gossip=True,
        without_mingle=True,
        loglevel=logging.WARNING,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)
