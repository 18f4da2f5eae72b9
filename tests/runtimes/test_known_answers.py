"""A runtime that does not give the known answers of an artefact is refused."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from runtimes.base import PredictionBatch
from runtimes.factory import RUNTIMES, RegisteredRuntime, load_predictor
from runtimes.known_answers import MAX_DIFFERENCE, KnownAnswers, check_known_answers, decide_row, read_known_answers
from runtimes.uncertain_rows import find_uncertain_rows
from shared.config.settings import SettingsError
from shared.model.artefact import KNOWN_ANSWERS_NAME, ArtefactError, Manifest
from tests.runtimes.images import ARTEFACT
from tests.runtimes.toy_runtime import ToyPredictor


@pytest.fixture(scope="module")
def known() -> KnownAnswers:
    return read_known_answers(ARTEFACT / KNOWN_ANSWERS_NAME)


class Replay(ToyPredictor):
    """Gives the known answers, changed by a function."""

    def __init__(self, manifest: Manifest, known: KnownAnswers, change: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(manifest)
        outputs = {name: getattr(known.outputs, name).copy() for name in MAX_DIFFERENCE}
        change(outputs)
        self._outputs = outputs

    def predict(self, images: NDArray[np.uint8]) -> PredictionBatch:
        return PredictionBatch(**{name: output[: len(images)] for name, output in self._outputs.items()})


def test_shipped_answers_differ_and_are_far_from_thresholds(manifest: Manifest, known: KnownAnswers) -> None:
    answers = {decide_row(known.outputs, row, manifest) for row in range(len(known.images))}
    assert {None, "low", "high", "uncertain"} <= answers
    assert set(known.outputs.kinds.argmax(axis=1)) == {0, 1, 2}
    assert not find_uncertain_rows(known.outputs, manifest).any()
    size = manifest.picture.size
    assert known.images.shape[1:] == (size, size, 3)
    assert known.images.dtype == np.uint8


def test_wrong_runtime_is_refused_with_the_largest_difference(
    manifest: Manifest, known: KnownAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        RUNTIMES, "toy", RegisteredRuntime("tests.runtimes.toy_runtime", frozenset({"tensorflow-graph"}), "numpy")
    )
    largest = np.abs(known.outputs.distance).max()
    with pytest.raises(
        SettingsError,
        match=rf"^the runtime toy on CPU:0 gives other answers than the reference: .* by up to {largest:.3g} in"
        r" distance, and 0\.05 is allowed; [^.]*\.$",
    ):
        load_predictor(ARTEFACT, manifest, runtime="toy")


@pytest.mark.parametrize("name", MAX_DIFFERENCE)
def test_each_output_may_differ_by_its_own_limit(manifest: Manifest, known: KnownAnswers, name: str) -> None:
    def shift(share: float) -> Replay:
        def change(outputs: dict[str, Any]) -> None:
            # The first image is refused by a wide margin. A little more or less of anything does not change that.
            outputs[name][0].flat[-1:] += np.float32(share * MAX_DIFFERENCE[name])

        def change_scalar(outputs: dict[str, Any]) -> None:
            outputs[name][0] += np.float32(share * MAX_DIFFERENCE[name])

        return Replay(manifest, known, change_scalar if name == "distance" else change)

    check_known_answers(ARTEFACT, manifest, shift(0.9))
    with pytest.raises(SettingsError, match=f"in {name}, and {MAX_DIFFERENCE[name]:g} is allowed"):
        check_known_answers(ARTEFACT, manifest, shift(1.1))


def test_output_that_is_no_number_is_refused(manifest: Manifest, known: KnownAnswers) -> None:
    def spoil(outputs: dict[str, Any]) -> None:
        outputs["kinds"][0, 0] = np.nan

    with pytest.raises(SettingsError, match="differ by up to nan in kinds"):
        check_known_answers(ARTEFACT, manifest, Replay(manifest, known, spoil))


def test_another_band_is_refused_even_if_the_difference_is_small(manifest: Manifest, known: KnownAnswers) -> None:
    low = next(row for row in range(len(known.images)) if decide_row(known.outputs, row, manifest) == "low")
    score = known.outputs.probabilities[low, [label.counts for label in manifest.labels]].sum()
    bands = replace_bands(manifest, score + 0.01)

    def raise_score(outputs: dict[str, Any]) -> None:
        outputs["probabilities"][low, 0] += 0.02

    check_known_answers(ARTEFACT, bands, Replay(manifest, known, lambda _: None))
    with pytest.raises(SettingsError, match=r"another band than the reference for 1 of 6 known answers of lite0@3"):
        check_known_answers(ARTEFACT, bands, Replay(manifest, known, raise_score))


def replace_bands(manifest: Manifest, low_below: float) -> Manifest:
    """Set the lower threshold of every population."""
    populations = tuple(
        population.model_copy(update={"bands": population.bands.model_copy(update={"low_below": low_below})})
        for population in manifest.populations
    )
    return manifest.model_copy(update={"populations": populations})


def test_single_image_is_checked_too(manifest: Manifest, known: KnownAnswers) -> None:
    class WrongAlone(Replay):
        def predict(self, images: NDArray[np.uint8]) -> PredictionBatch:
            batch = super().predict(images)
            return batch if len(images) > 1 else replace(batch, distance=batch.distance + 1)

    with pytest.raises(SettingsError, match="by up to 1 in distance"):
        check_known_answers(ARTEFACT, manifest, WrongAlone(manifest, known, lambda _: None))


def test_artefact_without_known_answers_is_not_checked(manifest: Manifest, tmp_path: Path) -> None:
    old = manifest.model_copy(update={"files": {manifest.graph: manifest.files[manifest.graph]}})
    check_known_answers(tmp_path, old, ToyPredictor(manifest))


def test_file_without_known_answers_is_refused_in_one_sentence(manifest: Manifest, tmp_path: Path) -> None:
    shutil.copy(ARTEFACT / "model.stablehlo.npz", tmp_path / KNOWN_ANSWERS_NAME)
    with pytest.raises(ArtefactError, match=r"has no known answers \(.*\): export the model again\.$"):
        check_known_answers(tmp_path, manifest, ToyPredictor(manifest))
