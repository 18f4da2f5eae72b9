"""Runs several worker processes as one service: restarts those that end, stops all together, and reports one health."""

import signal
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from runtimes.factory import select_runtime
from shared.config.container_memory import count_oom_kills, memory_limit
from shared.config.settings import Settings
from shared.log import set_up_logging
from shared.model.artefact import read_artefact
from worker.exit_codes import EXIT_MISCONFIGURED
from worker.supervision.kill_report import describe_end
from worker.supervision.metrics import SharedMetrics
from worker.supervision.sizing import Sizing
from worker.supervision.worker_process import METRICS_VARIABLE, WorkerProcess

log = structlog.get_logger(__name__)

#: Seconds between two checks of the processes.
_INTERVAL_S: Final = 0.25

#: If more seconds pass between two checks, this process was suspended, and the others may have been, too.
_MAX_PAUSE_BETWEEN_CHECKS_S: Final = 5.0

#: Seconds before a process that ended is started again: at first, and at most. One that has lived for `_SOUND_S` starts
#: again at once.
_FIRST_PAUSE_S: Final = 1.0
_MAX_PAUSE_S: Final = 30.0
_SOUND_S: Final = 60.0

#: Seconds for which a process may be missing before the service counts as unhealthy: a restart takes a few.
_MAX_MISSING_S: Final = 120.0


class _ProcessSlot:
    """A slot for one process: the process in it, or the time at which the next one starts."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.process: WorkerProcess | None = None
        self.starts_at = 0.0
        self.pause_s = 0.0
        #: None until the first process in this slot was ready.
        self.last_ready: float | None = None


class Supervisor:
    """Keeps `sizing.processes` workers running until SIGTERM or SIGINT.

    A process that ends, whatever the reason, is started again, and the others are left alone. If a process says that
    it is misconfigured, all stop: to start it again would not help.
    """

    def __init__(self, config: Settings, sizing: Sizing) -> None:
        self._config = config
        self._sizing = sizing
        self._slots = [_ProcessSlot(index) for index in range(sizing.processes)]
        self._stop = threading.Event()
        self._is_misconfigured = False
        self._metrics: SharedMetrics | None = None
        self._checked_at = time.monotonic()
        self._oom_kills = count_oom_kills()

    def run(self) -> int:
        """Run until a signal comes.

        Returns:
            The exit code: 0, or 2 if the workers are misconfigured.

        Raises:
            ArtefactError: The artefact is damaged, or no runtime can run it.
            SettingsError: There is no such runtime or device.
        """
        config = self._config
        select_runtime(config.artefact, read_artefact(config.artefact), config.runtime, config.device)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        set_up_logging(self._config)
        log.info(
            "starting worker processes",
            processes=self._sizing.processes,
            cores_each=self._sizing.cores_each,
            limited_by=self._sizing.limited_by,
        )
        with tempfile.TemporaryDirectory(prefix="melanoma-worker-", ignore_cleanup_errors=True) as directory:
            self._directory = Path(directory)
            if self._config.metrics_port:
                self._metrics = SharedMetrics(self._directory / "metrics")
                self._metrics.serve(self._config)
            try:
                while not self._stop.wait(_INTERVAL_S):
                    self._look_after()
            finally:
                self._stop_all()
        return EXIT_MISCONFIGURED if self._is_misconfigured else 0

    def _look_after(self) -> None:
        now = time.monotonic()
        was_suspended = now - self._checked_at > _MAX_PAUSE_BETWEEN_CHECKS_S
        self._checked_at = now
        for slot in self._slots:
            if slot.process is not None:
                slot.process.check_progress()
                if was_suspended:
                    slot.process.reset_stall_timer()
            if slot.process is None:
                if now >= slot.starts_at:
                    self._start(slot)
            elif (exit_code := slot.process.exit_code) is not None:
                self._on_exit(slot, slot.process, exit_code)
            elif slot.process.is_hanging:
                log.error("a worker process hangs, killing it", process=slot.index, pid=slot.process.pid)
                slot.process.kill()
            elif slot.process.is_ready:
                slot.last_ready = now
        self._report_health(now)

    def _start(self, slot: _ProcessSlot) -> None:
        environment = {} if self._metrics is None else {METRICS_VARIABLE: str(self._metrics.directory)}
        slot.process = WorkerProcess(
            slot.index, directory=self._directory, cores=self._sizing.cores_each, environment=environment
        )

    def _on_exit(self, slot: _ProcessSlot, process: WorkerProcess, exit_code: int) -> None:
        self._forget(process)
        slot.process = None
        if exit_code == EXIT_MISCONFIGURED:
            self._is_misconfigured = True
            self._stop.set()
            return
        is_sound = exit_code == 0 or process.age_s() >= _SOUND_S
        slot.pause_s = 0.0 if is_sound else min(_MAX_PAUSE_S, 2 * slot.pause_s) or _FIRST_PAUSE_S
        slot.starts_at = time.monotonic() + slot.pause_s
        if exit_code < 0:
            reason = describe_end(-exit_code, count_oom_kills() - self._oom_kills, memory_limit())
            self._oom_kills = count_oom_kills()
            log.error("a worker process was killed, starting it again", process=slot.index, reason=reason)
        else:
            log.warning("a worker process ended, starting it again", process=slot.index, exit_code=exit_code)

    def _report_health(self, now: float) -> None:
        if self._metrics is not None:
            self._metrics.set_ready(sum(slot.last_ready == now for slot in self._slots))
        is_healthy = all(slot.last_ready is not None and now - slot.last_ready < _MAX_MISSING_S for slot in self._slots)
        if self._config.liveness_file is not None and is_healthy:
            with suppress(OSError):
                self._config.liveness_file.touch()

    def _stop_all(self) -> None:
        """Let each process finish its batch and release its other jobs."""
        running = [slot.process for slot in self._slots if slot.process is not None]
        if running:
            log.info("stopping worker processes", processes=len(running))
        for process in running:
            process.terminate()
        for process in running:
            process.wait()
            self._forget(process)

    def _forget(self, process: WorkerProcess) -> None:
        if self._metrics is not None:
            self._metrics.forget(process.pid)
