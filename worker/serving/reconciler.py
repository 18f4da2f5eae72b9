"""Control loop: reports the worker's status and applies the operator's desired state every second."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Final

import structlog

from shared.config.overrides import SettingsOverrides
from shared.config.settings import SettingsError
from shared.contract.names import CONTRACT_VERSION
from shared.ledger import admin
from shared.ledger.ledger import Ledger
from shared.model.artefact import ArtefactError
from shared.redis_client.retry import ShutdownRequested
from worker.serving.model_manager import ModelManager

log = structlog.get_logger(__name__)

_INTERVAL_S: Final = 1.0
#: Seconds after which a call to the ledger counts as unanswered: Redis is unavailable.
_UNRESPONSIVE_AFTER_S: Final = 5.0


class Reconciler:
    """The control loop's thread. It loads and warms up a new artefact while the old one is in use."""

    def __init__(
        self, ledger: Ledger, model_manager: ModelManager, overrides: SettingsOverrides, *, incarnation: str
    ) -> None:
        self._ledger = ledger
        self._model_manager = model_manager
        self._overrides = overrides
        self._incarnation = incarnation
        #: Served until an operator asks for another artefact.
        self._configured_directory = model_manager.current.directory
        self._rejected: tuple[Path, str] | None = None
        self._request_started_at: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stop.set()

    def is_redis_unresponsive(self) -> bool:
        """Return whether a call to the ledger has been unanswered for too long."""
        started_at = self._request_started_at
        return started_at is not None and time.monotonic() - started_at > _UNRESPONSIVE_AFTER_S

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL_S):
            try:
                self._request_started_at = time.monotonic()
                desired, is_drain_requested = self._ledger.run(
                    admin.report_status(self._incarnation, self._get_status())
                )
                self._request_started_at = None
                if is_drain_requested:
                    log.info("an operator requested a drain, stopping")
                    # Celery's handler of SIGTERM stops the worker, as if an orchestrator had sent the signal.
                    os.kill(os.getpid(), signal.SIGTERM)
                    return
                self._overrides.apply(self._ledger.run(admin.sync_overrides()))
                self._apply_desired_model(Path(desired) if desired else self._configured_directory)
                for model in self._model_manager.get_models():
                    model.pipeline.predict_stage.set_max_batch_size(self._overrides.current.max_batch_size)
            except ShutdownRequested:
                return
            except Exception:
                log.exception("control loop failed, retrying")

    def _apply_desired_model(self, desired: Path) -> None:
        if desired == self._model_manager.current.directory:
            self._rejected = None
        elif self._rejected is None or self._rejected[0] != desired:
            try:
                self._model_manager.switch_to(desired)
            except (ArtefactError, SettingsError) as error:
                self._rejected = desired, str(error)
                log.error("the desired artefact is refused, the old one stays in use", problem=str(error))  # noqa: TRY400
            else:
                log.info("switched to the desired artefact", artefact=self._model_manager.current.manifest.title)

    def _get_status(self) -> str:
        model = self._model_manager.current
        return json.dumps(
            {
                "artefact": model.manifest.title,
                "directory": str(model.directory),
                "runtime": model.runtime,
                "device": model.device,
                "contract": CONTRACT_VERSION,
                "refusing": str(self._rejected[0]) if self._rejected else "",
                "refused": self._rejected[1] if self._rejected else "",
            }
        )
