"""Wires the parts of one worker process and runs them until it is stopped."""

import gc
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import structlog
from celery.signals import setup_logging, worker_ready, worker_shutting_down
from celery.utils.nodenames import gethostname
from prometheus_client import start_http_server

from runtimes.factory import select_runtime
from shared.config.container_memory import memory_limit
from shared.config.overrides import SettingsOverrides
from shared.config.settings import Settings
from shared.contract.names import READY_EVENT, WORKER_ROLE, Queue
from shared.ids import new_incarnation
from shared.log import set_up_logging
from shared.model.artefact import read_artefact
from shared.redis_client.retry import RedisAccessDenied
from shared.service.connections import ServiceConnections
from shared.service.heartbeat import HeartbeatThread
from worker.batching.prediction_check import DeviceFault
from worker.consumer.backoff import Backoff
from worker.consumer.celery_consumer import EventBatchingConsumer
from worker.consumer.owed_writes import OwedWrites
from worker.consumer.task_handler import TaskHandler
from worker.consumer.task_slots import QueueOrderStrategy, TaskSlots
from worker.consumer.tasks import register_tasks
from worker.consumer.throughput import ThroughputEstimator
from worker.health.liveness import LivenessFile, StallTimer
from worker.health.memory import check_memory_limit, warn_of_small_limit
from worker.health.watchdog import Watchdog
from worker.malloc import limit_malloc_arenas
from worker.serving.model_manager import LoadedModel, ModelManager, load_model
from worker.serving.reconciler import Reconciler

log = structlog.get_logger(__name__)

_SWITCH_INTERVAL_S: Final = 0.0005

_NICENESS: Final = 5

#: Seconds for which a worker that drains waits for an unavailable Redis, to write what it owes. Less than the shipped
#: stop periods of containers, after which the worker would be killed.
_DRAIN_WAIT_S: Final = 15.0


def run(config: Settings) -> int:
    """Run a worker until it is stopped.

    Returns:
        The exit code of Celery's worker.

    Raises:
        ArtefactError: The artefact is damaged, no runtime can run it, or it fails while it is loaded.
        SettingsError: There is no such runtime or device, the memory limit is too small, or the ledger has another
            version.
        RedisAccessDenied: Redis refuses the user or password, at the start or for good while the worker runs.
        DeviceFault: The device has stopped giving answers.
        SystemExit: SIGTERM came before Celery's worker had started.
    """
    terminated = threading.Event()

    def exit_at_once(*_: object) -> None:
        terminated.set()
        sys.exit(0)

    # Until Celery installs its own handler there is nothing to finish, so the process exits at once. An exception also
    # interrupts a wait for Redis, the import of a runtime and the loading of the artefact. None of them polls an event.
    signal.signal(signal.SIGTERM, exit_at_once)
    limit_malloc_arenas()
    set_up_logging(config)
    # Flower shifts the times of events by the difference between the worker's time zone and its own, so both use UTC.
    os.environ["TZ"] = "UTC"
    time.tzset()
    # Redis and clients on the same machine get the CPU first. Otherwise each step of an interactive image would wait
    # behind this worker's threads. On a machine that runs only workers this changes nothing.
    os.nice(max(0, _NICENESS - os.nice(0)))  # a restarted worker has it already
    # Before the wait for Redis, so that a damaged artefact is reported at once.
    check_memory_limit(memory_limit())
    select_runtime(config.artefact, read_artefact(config.artefact), config.runtime, config.device)
    stop_waiting = threading.Event()
    connections = ServiceConnections(config, stop=stop_waiting)
    connections.check(stores_images=False)
    app = WorkerApp(config, connections, stop_waiting)
    app.start()
    if terminated.is_set():  # a library swallowed the exception
        sys.exit(0)
    exit_code = app.serve()
    app.stop()
    if app.stop_error is not None:
        raise app.stop_error
    return exit_code


class WorkerApp:
    """The parts of one worker process. The constructor loads the model, which takes seconds.

    A worker that drains still waits for Redis: it writes the decisions that it owes, and its threads renew its lease
    until the end. So `stop_waiting` is set only when Redis stays unavailable during the drain.

    Attributes:
        stop_error: Why the worker stopped by itself: Redis denied access for good, or the device is broken.
    """

    def __init__(self, config: Settings, connections: ServiceConnections, stop_waiting: threading.Event) -> None:
        self._config = config
        self._celery = connections.app
        self._stop_waiting = stop_waiting
        self.stop_error: RedisAccessDenied | DeviceFault | None = None
        self._incarnation = new_incarnation(WORKER_ROLE)
        ledger, publisher = connections.ledger, connections.publisher
        self._model_manager = ModelManager(self._load_model(config.artefact), self._load_model)
        backoff = Backoff(self._stop_with)
        self._task_handler = TaskHandler(
            ledger=ledger,
            store=connections.store,
            owed_writes=OwedWrites(
                ledger,
                publisher,
                incarnation=self._incarnation,
                on_refusal=backoff.report_failure,
                stop=stop_waiting,
            ),
            backoff=backoff,
            model_manager=self._model_manager,
            incarnation=self._incarnation,
            max_bulk_in_flight=config.max_bulk_in_flight,
            max_attempts=config.max_attempts,
        )
        task_slots = TaskSlots(config.task_slots, count_backlog=self._count_backlog, max_backlog=self._get_max_backlog)
        throughput = ThroughputEstimator(task_slots, self._get_device_rate)
        self._heartbeat = HeartbeatThread(
            ledger, publisher, config, incarnation=self._incarnation, images_per_second=throughput.images_per_second
        )
        self._watchdog = Watchdog(self._model_manager, self._task_handler, decode_timeout_s=config.decode_timeout_s)
        self._reconciler = Reconciler(
            ledger, self._model_manager, SettingsOverrides(config), incarnation=self._incarnation
        )
        self._stall_timer = StallTimer(is_excused=self._reconciler.is_redis_unresponsive)
        self._liveness_file = (
            LivenessFile(config.liveness_file, self._get_batch_age_s, self._stall_timer.stalled_s)
            if config.liveness_file
            else None
        )
        self._celery.conf.broker_transport_options["queue_order_strategy"] = QueueOrderStrategy(task_slots)
        self._celery.conf.melanoma_event_loop_callback = self._stall_timer.reset
        register_tasks(self._celery, self._task_handler, task_slots, throughput)

    def start(self) -> None:
        """Start the threads and the metrics server."""
        self._heartbeat.start()
        self._watchdog.start()
        self._reconciler.start()
        self._stall_timer.reset()
        if self._liveness_file is not None:
            self._liveness_file.start()
        if self._config.metrics_port:
            start_http_server(self._config.metrics_port, addr=self._config.metrics_host)
        warn_of_small_limit(memory_limit(), self._config.decode_max_memory)
        # The predict thread waits for the interpreter's lock after each batch. At Python's 5 ms it would wait long.
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        # All objects so far are kept for the life of the process, so the garbage collector need not visit them again.
        gc.collect()
        gc.freeze()

    def serve(self) -> int:
        """Run Celery's worker until it is stopped, and return its exit code."""
        worker_ready.connect(self._log_ready, weak=False)
        worker_shutting_down.connect(self._drain, weak=False)
        setup_logging.connect(_keep_logging, weak=False)
        model = self._model_manager.current
        # Flower shows workers by this name.
        name = f"{self._incarnation}.{model.runtime}.{model.device.replace(':', '')}.{model.precision}"
        worker = self._celery.Worker(
            consumer_cls=EventBatchingConsumer,
            hostname=f"{name}@{gethostname()}",
            pool="threads",
            concurrency=self._config.task_slots,
            queues=[str(queue) for queue in Queue],
            task_events=True,
            without_gossip=True,
            without_mingle=True,
            loglevel=logging.WARNING,
            quiet=True,
        )
        worker.start()
        return int(worker.exitcode or 0)

    def stop(self) -> None:
        """Finish the batch in flight, release every other job and stop the threads."""
        self._reconciler.stop()
        if self._liveness_file is not None:
            self._liveness_file.stop()
        self._watchdog.stop()
        self._model_manager.release()
        self._model_manager.join()
        self._heartbeat.stop()
        log.info("stopped")

    def _get_device_rate(self) -> float:
        return self._model_manager.current.pipeline.predict_stage.cost_model.images_per_second()

    def _count_backlog(self, queue: Queue) -> int:
        return self._model_manager.current.pipeline.count_backlog(queue)

    def _get_max_backlog(self) -> int:
        return self._model_manager.current.pipeline.get_max_backlog()

    def _get_batch_age_s(self) -> float:
        return max(model.pipeline.predict_stage.batch_age_s() for model in self._model_manager.get_models())

    def _log_ready(self, **_: Any) -> None:
        model = self._model_manager.current
        log.info(
            READY_EVENT,
            artefact=model.manifest.title,
            runtime=model.runtime,
            device=model.device,
            precision=model.precision,
            incarnation=self._incarnation,
        )

    def _drain(self, **_: Any) -> None:
        log.info("stopping: finishing the batch in flight, releasing the rest")
        self._task_handler.drain()
        timer = threading.Timer(_DRAIN_WAIT_S, self._stop_waiting.set)
        timer.daemon = True
        timer.start()

    def _load_model(self, directory: Path) -> LoadedModel:
        return load_model(directory, self._config, self._stop_with_fault)

    def _stop_with_fault(self, fault: DeviceFault) -> None:
        log.error("the device is broken, stopping: no image is to blame", problem=str(fault))
        self._task_handler.drain()
        self._stop_with(fault)

    def _stop_with(self, error: RedisAccessDenied | DeviceFault) -> None:
        if self.stop_error is None:
            self.stop_error = error
            os.kill(os.getpid(), signal.SIGTERM)


def _keep_logging(**_: Any) -> None:
    """Celery sets up its own logging unless a handler is connected to this signal."""
