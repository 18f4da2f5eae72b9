"""Control loop: reports the worker's status and applies the operator's desired state every second."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import structlog

from shared.config.container_memory import count_oom_kills
from shared.config.cpu_throttling import CpuThrottling
from shared.config.overrides import SettingsOverrides
from shared.config.settings import SettingsError
from shared.contract.names import CONTRACT_VERSION
from shared.ledger import admin
from shared.ledger.ledger import Ledger
from shared.ledger.script_call import ScriptCall
from shared.model.artefact import ArtefactError
from shared.service.periodic_thread import PeriodicThread
from worker.serving.model_manager import Fingerprint, ModelManager, get_fingerprint
from worker.telemetry.metrics import METRICS

T = TypeVar("T")

log = structlog.get_logger(__name__)

#: Seconds after which a call to the ledger counts as unanswered: Redis is unavailable.
_UNRESPONSIVE_AFTER_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Refused:
    """An artefact that was refused. It is tried again when its files change or an operator asks for another first."""

    directory: Path
    fingerprint: Fingerprint
    problem: str


def _stop_this_process() -> None:
    # Celery's handler of SIGTERM stops the worker, as if an orchestrator had sent the signal.
    os.kill(os.getpid(), signal.SIGTERM)


class Reconciler:
    """The control loop's thread. It loads and warms up a new artefact while the old one is in use.

    Args:
        ledger: The ledger.
        model_manager: Switches artefacts.
        overrides: The settings with the operator's overrides.
        incarnation: This worker.
        drain: Called once when an operator asks this worker to drain.
    """

    def __init__(
        self,
        ledger: Ledger,
        model_manager: ModelManager,
        overrides: SettingsOverrides,
        *,
        incarnation: str,
        drain: Callable[[], None] = _stop_this_process,
    ) -> None:
        self._ledger = ledger
        self._model_manager = model_manager
        self._overrides = overrides
        self._incarnation = incarnation
        self._drain = drain
        self._is_drain_requested = False
        self._throttling = CpuThrottling()
        #: Served until an operator asks for another artefact.
        self._configured_directory = model_manager.current.directory
        self._refused: _Refused | None = None
        self._request_started_at: float | None = None
        self._thread = PeriodicThread("reconciler", self.reconcile)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._thread.stop()

    def is_redis_unresponsive(self) -> bool:
        """Return whether a call to the ledger has been unanswered for too long."""
        started_at = self._request_started_at
        return started_at is not None and time.monotonic() - started_at > _UNRESPONSIVE_AFTER_S

    def reconcile(self) -> None:
        """Report the status and apply the desired state once. Raises what `Ledger.run` raises."""
        desired, is_drain_requested = self._run_call(admin.report_status(self._incarnation, self._get_status()))
        if is_drain_requested:
            if not self._is_drain_requested:
                self._is_drain_requested = True
                log.info("an operator requested a drain, stopping")
                self._drain()
            return
        self._overrides.apply(self._run_call(admin.sync_overrides()))
        self._apply_desired_model(Path(desired) if desired else self._configured_directory)
        for model in self._model_manager.get_models():
            model.pipeline.predict_stage.set_max_batch_size(self._overrides.current.max_batch_size)

    def _run_call(self, call: ScriptCall[T]) -> T:
        """Run `call`. Meanwhile `is_redis_unresponsive` knows how long it has taken."""
        self._request_started_at = time.monotonic()
        try:
            return self._ledger.run(call)
        finally:
            self._request_started_at = None

    def _apply_desired_model(self, desired: Path) -> None:
        if desired == self._model_manager.current.directory:
            self._refused = None
            return
        fingerprint = get_fingerprint(desired)
        refused = self._refused
        if refused is not None and (refused.directory, refused.fingerprint) == (desired, fingerprint):
            return
        try:
            self._model_manager.switch_to(desired)
        except (ArtefactError, SettingsError) as error:
            self._refused = _Refused(desired, fingerprint, str(error))
            log.error("the desired artefact is refused, the old one stays in use", problem=str(error))  # noqa: TRY400
        else:
            self._refused = None
            log.info("switched to the desired artefact", artefact=self._model_manager.current.manifest.title)

    def _get_status(self) -> str:
        model = self._model_manager.current
        throttled = self._throttling.sample()
        METRICS.cpu_throttled.set(throttled)
        return json.dumps(
            {
                "artefact": model.manifest.title,
                "directory": str(model.directory),
                "runtime": model.runtime,
                "device": model.device,
                "precision": model.precision,
                "contract": CONTRACT_VERSION,
                "refusing": str(self._refused.directory) if self._refused else "",
                "refused": self._refused.problem if self._refused else "",
                "oom_kills": count_oom_kills(),
                "cpu_throttled": round(throttled, 3),
            }
        )
