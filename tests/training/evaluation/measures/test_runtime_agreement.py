"""The comparison of runtimes counts what a person would notice, on predictors whose outputs are known."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from runtimes.base import FLOAT32, MIXED, PredictionBatch
from shared.model.artefact import Manifest, read_artefact
from training.errors import TrainingError
from training.evaluation.measures import runtime_agreement
from training.evaluation.measures.runtime_agreement import compare_runtimes
from training.evaluation.result import AgreementResult

ARTEFACT = Path("models/lite0")

#: Probabilities of melanoma. The first two dermatoscope pictures are no melanomas.
SCORES = np.linspace(0.01, 0.9, 20)


class Scripted:
    """The probability of melanoma of an image is `SCORES` at its first pixel, plus what `shifts` says."""

    device = "CPU:0"

    def __init__(self, manifest: Manifest, runtime: str, precision: str, shifts: dict[int, float]) -> None:
        self.runtime, self.precision = runtime, precision
        self._labels = len(manifest.labels)
        self._shifts = shifts

    def predict(self, images: NDArray[np.uint8]) -> PredictionBatch:
        rows = images[:, 0, 0, 0].tolist()
        score = np.array([SCORES[row] + self._shifts.get(row, 0) for row in rows], np.float32)
        probabilities = np.zeros((len(rows), self._labels), np.float32)
        probabilities[:, 0], probabilities[:, 5] = score, 1 - score
        kinds = np.tile(np.array([0.98, 0.01, 0.01], np.float32), (len(rows), 1))
        distance = np.array([0.5 + (self._shifts.get(row, 0) > 0.1) for row in rows], np.float32)
        return PredictionBatch(probabilities, np.zeros((len(rows), 7, 7), np.float32), distance, kinds)


@pytest.fixture
def manifest() -> Manifest:
    return read_artefact(ARTEFACT)


def compare(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch, shifts: dict[int, float], truth: list[bool | None]
) -> list[AgreementResult]:
    def load(_: Path, __: Manifest, *, runtime: str, device: str, precision: str) -> Any:
        has_mixed = runtime == "other"
        return Scripted(
            manifest, runtime, precision if has_mixed else FLOAT32, shifts if runtime != "tensorflow" else {}
        )

    monkeypatch.setattr(runtime_agreement, "load_predictor", load)
    monkeypatch.setattr(runtime_agreement, "list_installed", lambda _: ["other", "tensorflow"])
    return list(compare_runtimes(ARTEFACT, manifest, images(), truth, lambda _: None))


def images() -> Iterator[NDArray[np.uint8]]:
    return (np.full((4, 4, 3), index, np.uint8) for index in range(len(SCORES)))


def test_reference_comes_first_then_each_precision_of_the_others(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = compare(manifest, monkeypatch, {}, [None] * 20)
    assert [(result.runtime, result.precision) for result in results] == [
        ("tensorflow", FLOAT32),
        ("other", FLOAT32),
        ("other", MIXED),
    ]
    for result in results:
        assert (result.pictures, result.band_changes, result.max_difference, result.auc_change) == (20, 0, 0, None)
    assert results[0].speed_ratio == 1


def test_changed_bands_and_differences_are_counted(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    low_below = manifest.populations[0].bands.low_below
    row = int(np.searchsorted(SCORES, low_below))
    across, within = low_below - SCORES[row] - 0.001, 0.02
    result = compare(manifest, monkeypatch, {row: across, 15: within}, [None] * 20)[1]
    assert result.band_changes == 1
    assert result.max_difference == pytest.approx(max(-across, within), abs=1e-6)
    assert result.mean_difference == pytest.approx((within - across) / 20, abs=1e-6)
    assert result.max_distance_difference == 0


def test_auc_counts_only_images_whose_truth_is_known(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    truth: list[bool | None] = [False, False, True, True, *[None] * 16]
    # The second picture overtakes one of two melanomas: one of four pairs is wrong.
    result = compare(manifest, monkeypatch, {1: SCORES[2] - SCORES[1] + 0.001}, truth)[1]
    assert result.auc_change == pytest.approx(-0.25)


def test_missing_reference_is_one_sentence(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_agreement, "list_installed", lambda _: ["openvino"])
    with pytest.raises(TrainingError, match=r"^TensorFlow is not installed: [^.]*\.$"):
        compare_runtimes(ARTEFACT, manifest, images(), [None] * 20, lambda _: None)
