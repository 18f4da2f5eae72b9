"""Notices a decode that never ends. A thread cannot be stopped, so the whole worker starts anew."""

import os
import sys
import threading
from typing import Final

import structlog

from worker.consumer.task_handler import TaskHandler
from worker.serving.model_manager import ModelManager

log = structlog.get_logger(__name__)

_INTERVAL_S: Final = 0.5
#: Time for the batch in hand and for the task threads to write their decisions before the process is replaced.
_DRAIN_GRACE_S: Final = 3.0


class Watchdog:
    """A thread that restarts the worker when a decode takes longer than `limit_s`."""

    def __init__(self, model_manager: ModelManager, task_handler: TaskHandler, *, decode_timeout_s: float) -> None:
        self._model_manager = model_manager
        self._task_handler = task_handler
        self._decode_timeout_s = decode_timeout_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL_S):
            hanging = [
                item
                for model in self._model_manager.get_models()
                for item in model.pipeline.decode_stage.get_hanging_items(self._decode_timeout_s)
            ]
            if hanging:
                log.error("a decode hangs, the worker restarts itself", jobs=[item.job.id for item in hanging])
                self._task_handler.release_hanging(hanging)
                self._task_handler.drain()
                self._stop.wait(_DRAIN_GRACE_S)
                # What the hanging message's other pictures still hold comes back by the sweep: the new process
                # is another incarnation.
                os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line
