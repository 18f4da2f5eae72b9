"""Restarts the worker when a decode never ends: a thread cannot be stopped, so the process is replaced."""

import os
import sys
import time
from typing import Final

import structlog

from shared.service.periodic_thread import PeriodicThread
from worker.consumer.task_handler import TaskHandler
from worker.serving.model_manager import ModelManager

log = structlog.get_logger(__name__)

_INTERVAL_S: Final = 0.5
#: Seconds for the batch in flight and for the task threads to write their decisions, before the process is replaced.
_DRAIN_GRACE_S: Final = 3.0


class Watchdog:
    """A thread that restarts the worker when a decode takes longer than `decode_timeout_s`."""

    def __init__(self, model_manager: ModelManager, task_handler: TaskHandler, *, decode_timeout_s: float) -> None:
        self._model_manager = model_manager
        self._task_handler = task_handler
        self._decode_timeout_s = decode_timeout_s
        self._thread = PeriodicThread("watchdog", self.check, interval_s=_INTERVAL_S)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._thread.stop()

    def check(self) -> None:
        """Restart the worker if a decode hangs. A worker that drains only gives the image up, and ends by itself."""
        hanging = [
            item
            for model in self._model_manager.get_models()
            for item in model.pipeline.decode_stage.get_hanging_items(self._decode_timeout_s)
            if item.outcome is None
        ]
        if not hanging:
            return
        log.error("a decode hangs, giving its image up", jobs=[item.job.id for item in hanging])
        ends_anyway = self._task_handler.is_draining
        # Before the release, whose message this worker would take.
        self._task_handler.drain()
        self._task_handler.release_hanging(hanging)
        if not ends_anyway:
            log.warning("restarting the worker, because a thread cannot be stopped")
            time.sleep(_DRAIN_GRACE_S)
            # The new process is another incarnation. The recovery sweep requeues the jobs of this one.
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line
