"""The control loop reports what a worker serves and applies what an operator asks for."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from redis import Redis

from shared.config.cpu_throttling import CpuThrottling
from shared.config.overrides import SettingsOverrides
from shared.config.settings import Settings, SettingsError
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.model.artefact import ArtefactError, Manifest
from shared.redis_client.retry import RedisRetry
from tests.system.support.polling import eventually
from tests.worker.artefacts import load_scripted, write_artefact
from tests.worker.scripted_predictor import ScriptedPredictor
from worker.serving import reconciler
from worker.serving.model_manager import LoadedModel, ModelManager
from worker.serving.reconciler import Reconciler

INCARNATION = "worker-test"
CONFIG = Settings(max_batch_size=16, decode_slots=1)


class Control:
    """A reconciler of a worker that serves the artefact `old`, on a real ledger."""

    def __init__(self, home: Path, client: "Redis", manifest: Manifest) -> None:
        self.home, self.client, self.manifest = home, client, manifest
        self.ledger = Ledger(client, RedisRetry("test"))
        self.ledger.run(transitions.heartbeat(INCARNATION, lease_s=60))
        #: What loading the artefact of that name raises.
        self.errors: dict[str, Exception] = {}
        self.attempts: list[str] = []
        self.drains = 0
        self.manager = ModelManager(self._load(self.make_artefact("old")), self._load)
        self.attempts.clear()
        self.reconciler = Reconciler(
            self.ledger, self.manager, SettingsOverrides(CONFIG), incarnation=INCARNATION, drain=self._drain
        )

    def make_artefact(self, name: str, graph: bytes = b"graph") -> Path:
        return write_artefact(self.home / name, self.manifest, version=name, graph=graph)

    def desire(self, name: str) -> None:
        self.ledger.run(admin.set_desired_model(str(self.home / name), instead_of=str(self.home / "old")))

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self.client.hget("melanoma:worker_status", INCARNATION))  # type: ignore[arg-type]
        return status

    def _load(self, directory: Path) -> LoadedModel:
        self.attempts.append(directory.name)
        if (error := self.errors.get(directory.name)) is not None:
            raise error
        return load_scripted(directory, ScriptedPredictor(self.manifest), CONFIG)

    def _drain(self) -> None:
        self.drains += 1


@pytest.fixture
def control(tmp_path: Path, redis_url: str, manifest: Manifest) -> Iterator[Control]:
    with Redis.from_url(redis_url) as client:
        control = Control(tmp_path, client, manifest)
        yield control
        control.manager.release()
        control.manager.join()


def test_status_names_artefact_runtime_device_and_precision(control: Control) -> None:
    control.reconciler.reconcile()
    assert control.status()["artefact"] == "lite0@old"
    assert control.status()["directory"] == str(control.home / "old")
    assert (control.status()["runtime"], control.status()["device"]) == ("scripted", "CPU:0")
    assert control.status()["precision"] == "float32"
    assert (control.status()["refusing"], control.status()["refused"]) == ("", "")
    assert control.attempts == []


def test_status_and_metric_tell_how_often_the_cpu_limit_holds_the_worker_back(
    control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "group").write_text("0::/\n")
    monkeypatch.setattr(control.reconciler, "_throttling", CpuThrottling(tmp_path, tmp_path / "group"))
    for counters in ("nr_periods 10\nnr_throttled 10\n", "nr_periods 20\nnr_throttled 13\n"):
        (tmp_path / "cpu.stat").write_text(counters)
        control.reconciler.reconcile()
    assert control.status()["cpu_throttled"] == 0.3
    assert b"melanoma_cpu_throttled_ratio 0.3\n" in generate_latest()


def test_desired_artefact_is_served_and_the_configured_one_again(control: Control) -> None:
    control.make_artefact("new")
    control.desire("new")
    control.reconciler.reconcile()
    control.reconciler.reconcile()
    assert control.status()["artefact"] == "lite0@new"
    control.desire("old")
    control.reconciler.reconcile()
    assert control.manager.current.manifest.version == "old"
    assert control.attempts == ["new"]


@pytest.mark.parametrize("error", [ArtefactError("damaged"), SettingsError("another format")])
def test_refused_artefact_is_reported_and_tried_once(control: Control, error: Exception) -> None:
    control.make_artefact("new")
    control.errors["new"] = error
    control.desire("new")
    for _ in range(3):
        control.reconciler.reconcile()
    assert control.status()["artefact"] == "lite0@old"
    assert control.status()["precision"] == "float32"
    assert (control.status()["refusing"], control.status()["refused"]) == (str(control.home / "new"), str(error))
    assert control.attempts == ["new"]


def test_refused_artefact_that_is_fixed_in_place_is_tried_again(control: Control) -> None:
    control.make_artefact("new")
    control.errors["new"] = ArtefactError("damaged")
    control.desire("new")
    control.reconciler.reconcile()
    del control.errors["new"]
    control.reconciler.reconcile()
    assert control.attempts == ["new"], "nothing has changed"
    control.make_artefact("new", graph=b"the whole graph")
    control.reconciler.reconcile()
    assert control.attempts == ["new", "new"]
    control.reconciler.reconcile()
    assert (control.status()["artefact"], control.status()["refused"]) == ("lite0@new", "")


def test_artefact_that_is_copied_after_the_switch_is_served_once_it_is_there(control: Control) -> None:
    control.errors["new"] = ArtefactError("model.json cannot be read")
    control.desire("new")
    control.reconciler.reconcile()
    del control.errors["new"]
    control.make_artefact("new")
    control.reconciler.reconcile()
    assert control.manager.current.manifest.version == "new"


def test_refused_artefact_does_not_block_other_wishes(control: Control) -> None:
    for name in ("broken", "new"):
        control.make_artefact(name)
    control.errors["broken"] = ArtefactError("damaged")
    control.desire("broken")
    control.ledger.run(admin.sync_overrides(("max_batch_size", "4")))
    control.reconciler.reconcile()
    assert control.manager.current.pipeline.predict_stage.cost_model._max_size == 4
    control.desire("new")
    control.reconciler.reconcile()
    assert control.manager.current.manifest.version == "new"
    assert control.manager.current.pipeline.predict_stage.cost_model._max_size == 4, "also for the new model"
    control.ledger.run(admin.sync_overrides(("max_batch_size", "")))
    control.reconciler.reconcile()
    assert control.manager.current.pipeline.predict_stage.cost_model._max_size == 16


def test_drain_is_requested_once_and_the_status_is_reported_further(control: Control) -> None:
    control.reconciler.reconcile()
    assert control.drains == 0
    assert control.ledger.run(admin.request_drain(INCARNATION))
    control.client.hdel("melanoma:worker_status", INCARNATION)
    for _ in range(3):
        control.reconciler.reconcile()
    assert control.drains == 1
    assert control.status()["artefact"] == "lite0@old"


def test_failed_call_is_no_call_that_is_unanswered(control: Control) -> None:
    control.client.set("melanoma:worker_status", "no hash")
    with pytest.raises(Exception, match="WRONGTYPE"):
        control.reconciler.reconcile()
    assert control.reconciler._request_started_at is None
    assert not control.reconciler.is_redis_unresponsive()


@pytest.mark.parametrize("calls", [0, 1])
def test_redis_is_unresponsive_while_either_call_waits(
    control: Control, redis_url: str, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    monkeypatch.setattr(reconciler, "_UNRESPONSIVE_AFTER_S", 0.05)
    # Redis answers the first `calls` calls and then freezes.
    run, remaining = control.ledger.run, calls

    def freeze_then_run(call: Any) -> Any:
        nonlocal remaining
        if not remaining:
            control.client.client_pause(timeout=2_000, all=True)
        remaining -= 1
        return run(call)

    monkeypatch.setattr(control.ledger, "run", freeze_then_run)
    thread = threading.Thread(target=control.reconciler.reconcile)
    thread.start()
    eventually(control.reconciler.is_redis_unresponsive)
    thread.join()
    assert not control.reconciler.is_redis_unresponsive()
