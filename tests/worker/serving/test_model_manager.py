"""Models are loaded once, kept for a switch back, and watched until their last image is finished."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from runtimes.base import PredictionBatch
from shared.config.settings import Settings, SettingsError
from shared.images.decode import decode
from shared.model.artefact import ArtefactError, Manifest
from tests.worker.artefacts import load_scripted, write_artefact
from tests.worker.items import make_item, make_jpeg
from tests.worker.polling import eventually
from tests.worker.scripted_predictor import ScriptedPredictor
from worker.batching import in_process_decoder
from worker.batching.prediction_check import DeviceFault
from worker.batching.work_item import Prediction, Released
from worker.serving import model_manager
from worker.serving.model_manager import LoadedModel, ModelManager, get_fingerprint, load_model

CONFIG = Settings(max_batch_size=4, decode_slots=1)


class Models:
    """Artefacts a, b and c, a manager that serves a, and what it has loaded."""

    def __init__(self, home: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self.a, self.b, self.c = (write_artefact(home / name, manifest, version=name) for name in "abc")
        self.loaded: list[str] = []
        self.predictors: dict[str, ScriptedPredictor] = {}
        self.manager = ModelManager(self.load(self.a), self.load)

    def load(self, directory: Path) -> LoadedModel:
        self.loaded.append(directory.name)
        self.predictors[directory.name] = ScriptedPredictor(self.manifest)
        return load_scripted(directory, self.predictors[directory.name], CONFIG)

    def served(self) -> str:
        return self.manager.current.manifest.version

    def watched(self) -> list[str]:
        return [model.directory.name for model in self.manager.get_models()]


@pytest.fixture
def models(tmp_path: Path, manifest: Manifest) -> Iterator[Models]:
    models = Models(tmp_path, manifest)
    yield models
    models.manager.release()
    models.manager.join()


def test_switch_back_loads_nothing(models: Models) -> None:
    models.manager.switch_to(models.b)
    assert (models.served(), models.watched()) == ("b", ["b", "a"])
    models.manager.switch_to(models.a)
    assert (models.served(), models.watched()) == ("a", ["a", "b"])
    assert models.loaded == ["a", "b"]


def test_switch_to_the_served_artefact_changes_nothing(models: Models) -> None:
    models.manager.switch_to(models.a)
    assert (models.loaded, models.watched()) == (["a"], ["a"])


def test_third_model_releases_the_oldest(models: Models) -> None:
    oldest = models.manager.current
    models.manager.switch_to(models.b)
    models.manager.switch_to(models.c)
    eventually(lambda: models.watched() == ["c", "b"])
    late = make_item(make_jpeg())
    oldest.pipeline.put(late)
    assert late.outcome is Released.RELEASED
    models.manager.switch_to(models.a)
    assert models.loaded == ["a", "b", "c", "a"], "it was kept no longer"


def test_previous_artefact_that_was_changed_in_place_is_loaded_again(models: Models) -> None:
    models.manager.switch_to(models.b)
    write_artefact(models.a, models.manifest, version="fixed", graph=b"another graph")
    models.manager.switch_to(models.a)
    assert models.served() == "fixed"


def test_switch_that_fails_changes_nothing(models: Models) -> None:
    models.manager.switch_to(models.b)
    models.manager._load = lambda _: (_ for _ in ()).throw(ArtefactError("damaged"))
    with pytest.raises(ArtefactError):
        models.manager.switch_to(models.c)
    assert (models.served(), models.watched()) == ("b", ["b", "a"])
    item = make_item(make_jpeg())
    models.manager.current.pipeline.put(item)
    item.message.take()
    assert isinstance(item.outcome, Prediction)


def test_batch_in_flight_of_a_released_model_is_finished(models: Models) -> None:
    item = make_item(make_jpeg())
    with models.predictors["a"].blocked() as entered:
        models.manager.current.pipeline.put(item)
        assert entered.wait(10)
        models.manager.switch_to(models.b)
        models.manager.switch_to(models.c)
        assert models.served() == "c", "a switch does not wait for the oldest model"
        assert "a" in models.watched(), "the age of its batch is watched"
    item.message.take()
    assert isinstance(item.outcome, Prediction)
    eventually(lambda: models.watched() == ["c", "b"])


def test_decode_that_hangs_is_watched_two_switches_later(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    resume = threading.Event()
    monkeypatch.setattr(
        in_process_decoder, "decode", lambda *arguments, **options: resume.wait(30) and decode(*arguments, **options)
    )
    item = make_item(make_jpeg())
    oldest = models.manager.current.pipeline
    oldest.put(item)
    try:
        eventually(lambda: oldest.decode_stage.get_hanging_items(0))
        models.manager.switch_to(models.b)
        models.manager.switch_to(models.c)
        oldest.join()
        time.sleep(0.1)
        hanging = [
            found for model in models.manager.get_models() for found in model.pipeline.decode_stage.get_hanging_items(0)
        ]
        assert hanging == [item]
    finally:
        resume.set()


def test_release_ends_switching(models: Models) -> None:
    models.manager.release()
    models.manager.switch_to(models.b)
    assert models.served() == "a"
    for item in (make_item(make_jpeg()), make_item(make_jpeg())):
        for model in models.manager.get_models():
            model.pipeline.put(item)
        assert item.outcome is Released.RELEASED


def ignore_fault(_: DeviceFault) -> None:
    """No device breaks in these tests."""


def with_predictor(monkeypatch: pytest.MonkeyPatch, manifest: Manifest) -> ScriptedPredictor:
    """Let `load_model` load this predictor."""
    predictor = ScriptedPredictor(manifest)
    monkeypatch.setattr(model_manager, "load_predictor", lambda *_, **__: predictor)
    return predictor


def fail(error: Exception) -> Callable[..., Any]:
    def call(*_: Any, **__: Any) -> Any:
        raise error

    return call


def test_model_that_is_loaded_is_warm(tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = with_predictor(monkeypatch, manifest)
    directory = write_artefact(tmp_path / "new", manifest, version="7")
    model = load_model(directory, CONFIG, ignore_fault)
    try:
        assert model.manifest.title == "lite0@7"
        assert set(predictor.batch_sizes) == {1, 2, 4}
    finally:
        model.pipeline.release()
        model.pipeline.join()


def test_artefact_that_fails_while_warming_is_refused_in_one_sentence(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = with_predictor(monkeypatch, manifest)
    directory = write_artefact(tmp_path / "new", manifest)

    def fail_for_four(images: NDArray[np.uint8]) -> None:
        if len(images) == 4:
            raise RuntimeError("out of memory\nwith details")

    predictor.on_batch = fail_for_four
    with pytest.raises(ArtefactError, match=r"new fails while it is loaded \(RuntimeError: out of memory\)"):
        load_model(directory, CONFIG, ignore_fault)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1])
def test_artefact_whose_output_is_no_answer_is_refused(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    predictor = with_predictor(monkeypatch, manifest)

    def spoil(_: object, answer: PredictionBatch) -> PredictionBatch:
        answer.distance[-1] = value
        return answer

    predictor.change_answer = spoil
    with pytest.raises(ArtefactError, match="not finite or out of range"):
        load_model(write_artefact(tmp_path / "new", manifest), CONFIG, ignore_fault)


@pytest.mark.parametrize("error", [ArtefactError("no such graph"), SettingsError("no such device")])
def test_refusal_of_a_runtime_is_passed_on(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(model_manager, "load_predictor", fail(error))
    with pytest.raises(type(error), match=str(error)):
        load_model(write_artefact(tmp_path / "new", manifest), CONFIG, ignore_fault)


def test_fingerprint_changes_with_the_files(tmp_path: Path, manifest: Manifest) -> None:
    directory = write_artefact(tmp_path / "new", manifest)
    first = get_fingerprint(directory)
    assert get_fingerprint(directory) == first
    write_artefact(directory, manifest, graph=b"another")
    assert get_fingerprint(directory) != first
    assert get_fingerprint(tmp_path / "nowhere") == ()
