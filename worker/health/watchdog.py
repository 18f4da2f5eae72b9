"""Notices a decode that never ends. A thread cannot be stopped, so the whole worker starts anew."""

import os
import sys
import threading
from typing import Final

import structlog

from worker.consumer.task_handler import TaskHandler
from worker.serving.model_manager import ModelManager

log = structlog.get_logger(__name__)

_EVERY_S: Final = 0.5
#: Time for the batch in hand and for the task threads to write their decisions before the process is replaced.
_FAREWELL_S: Final = 3.0


class Watchdog:
    """A thread that restarts the worker when a decode takes longer than `limit_s`."""

    def __init__(self, servings: ModelManager, service: TaskHandler, *, limit_s: float) -> None:
        self._servings = servings
        self._service = service
        self._limit_s = limit_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            hanging = self._servings.hanging_items(self._limit_s)
            if hanging:
                log.error("a decode hangs, the worker restarts itself", jobs=[image.job.id for image in hanging])
                self._service.release_hanging(hanging)
                self._service.drain()
                self._stop.wait(_FAREWELL_S)
                # What the hanging message's other pictures still hold comes back by the sweep: the new process
                # is another incarnation.
                os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line
