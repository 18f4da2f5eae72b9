"""Once a second a worker says what it serves, and does what an operator asked of it."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Final

import structlog

from shared.config.overrides import SettingsOverrides
from shared.contract.names import CONTRACT_VERSION
from shared.ledger import admin
from shared.ledger.ledger import Ledger
from shared.model.artefact import ArtefactError
from shared.redis_client.retry import ShutdownRequested
from worker.serving.model_manager import ModelManager

log = structlog.get_logger(__name__)

_EVERY_S: Final = 1.0
#: An answer of the ledger takes no longer than this, unless its Redis is away. Seconds.
_AWAY_S: Final = 5.0


class Reconciler:
    """A thread beside those that work. A new artefact is loaded and warmed here while the old one answers."""

    def __init__(self, ledger: Ledger, servings: ModelManager, limits: SettingsOverrides, *, incarnation: str) -> None:
        self._ledger = ledger
        self._servings = servings
        self._limits = limits
        self._incarnation = incarnation
        #: Where nobody ever asked for one, the worker stays with that of its settings.
        self._own = servings.current.directory
        self._refused: tuple[Path, str] | None = None
        self._asked_at: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no more."""
        self._stop.set()

    def is_redis_unresponsive(self) -> bool:
        """Whether the ledger owes us an answer for too long."""
        asked_at = self._asked_at
        return asked_at is not None and time.monotonic() - asked_at > _AWAY_S

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            try:
                self._asked_at = time.monotonic()
                wanted, told_to_stop = self._ledger.run(admin.report_status(self._incarnation, self._serves()))
                self._asked_at = None
                if told_to_stop:
                    log.info("an operator stops this worker")
                    # The same way out as for whoever runs this process.
                    os.kill(os.getpid(), signal.SIGTERM)
                    return
                self._limits.apply(self._ledger.run(admin.sync_overrides()))
                self._change(Path(wanted) if wanted else self._own)
                self._servings.set_max_batch_size(self._limits.current.max_batch_size)
            except ShutdownRequested:
                return
            except Exception:
                log.exception("following failed, trying again")

    def _change(self, wanted: Path) -> None:
        if wanted == self._servings.current.directory:
            self._refused = None
        elif self._refused is None or self._refused[0] != wanted:
            try:
                self._servings.switch_to(wanted)
            except ArtefactError as error:
                self._refused = wanted, str(error)
                log.error("the wanted artefact is refused, the old one goes on", problem=str(error))  # noqa: TRY400
            else:
                log.info("the artefact was changed", artefact=self._servings.current.manifest.title)

    def _serves(self) -> str:
        serving = self._servings.current
        return json.dumps(
            {
                "artefact": serving.manifest.title,
                "directory": str(serving.directory),
                "runtime": serving.runtime,
                "device": serving.device,
                "contract": CONTRACT_VERSION,
                "refusing": str(self._refused[0]) if self._refused else "",
                "refused": self._refused[1] if self._refused else "",
            }
        )
