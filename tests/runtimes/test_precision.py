"""OpenVINO's mixed precision gives the answers of float32."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from runtimes import openvino_predictor
from runtimes.base import AUTO, FLOAT32, MIXED, PredictionBatch, Predictor
from runtimes.factory import load_predictor
from runtimes.known_answers import decide_row
from runtimes.openvino_graph import computes_in_bfloat16, find_cuts, read_graph
from shared.model.artefact import Manifest
from tests.runtimes.images import ARTEFACT


def load(manifest: Manifest, precision: str) -> Predictor:
    return load_predictor(ARTEFACT, manifest, runtime="openvino", device="CPU:0", precision=precision)


@pytest.fixture(scope="module")
def mixed(manifest: Manifest) -> Predictor:
    return load(manifest, MIXED)


@pytest.fixture(scope="module")
def exact(manifest: Manifest, images: NDArray[np.uint8]) -> PredictionBatch:
    """The outputs of float32 for `images`."""
    predictor = load(manifest, FLOAT32)
    assert predictor.precision == FLOAT32
    return predictor.predict(images)


class TestOnCPUWithBfloat16:
    """Tests that another CPU cannot run. There they are not collected: a test that is skipped in CI fails."""

    __test__ = computes_in_bfloat16()

    def test_mixed_precision_gives_the_same_answers_within_the_stated_difference(
        self, manifest: Manifest, images: NDArray[np.uint8], mixed: Predictor, exact: PredictionBatch
    ) -> None:
        predicted = mixed.predict(images)
        for row in range(len(images)):
            assert decide_row(predicted, row, manifest) == decide_row(exact, row, manifest)
        difference = np.abs(predicted.probabilities - exact.probabilities)
        assert 1e-5 < difference.max() <= 0.03, "mixed precision is not in use, or it is too coarse"
        np.testing.assert_allclose(predicted.distance, exact.distance, atol=0.1)
        np.testing.assert_allclose(predicted.evidence, exact.evidence, atol=0.05)

    def test_uncertain_images_of_a_batch_get_the_outputs_of_float32(
        self,
        images: NDArray[np.uint8],
        mixed: Predictor,
        exact: PredictionBatch,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        uncertain = np.arange(len(images)) % 3 == 1
        monkeypatch.setattr(openvino_predictor, "find_uncertain_rows", lambda *_: uncertain)
        batch = mixed.predict(images)
        for name in ("probabilities", "evidence", "distance", "kinds"):
            values, expected = getattr(batch, name), getattr(exact, name)
            np.testing.assert_allclose(values[uncertain], expected[uncertain], atol=1e-4)
            assert np.abs(values[~uncertain] - expected[~uncertain]).max() > 1e-4

    def test_auto_takes_mixed_precision_only_if_it_is_faster(
        self, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for gain, expected in ((1.1, FLOAT32), (1.2, MIXED)):
            monkeypatch.setattr(openvino_predictor, "_measure_gain", lambda *_, gain=gain: gain)
            assert load(manifest, AUTO).precision == expected


def test_gain_is_the_ratio_of_the_shortest_times() -> None:
    calls: list[str] = []
    clock = iter([0, 9, 9, 19, 20, 24, 24, 26, 26, 29, 29, 30, 30, 36, 36, 40])

    class Clock:
        perf_counter = staticmethod(lambda: next(clock))

    def predict(name: str) -> Any:
        return lambda images: calls.append(f"{name} {images.shape}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openvino_predictor, "time", Clock)
        assert openvino_predictor._measure_gain(predict("old"), predict("new"), 16) == 3 / 1
    assert calls == ["old (4, 16, 16, 3)", "new (4, 16, 16, 3)"] * 4


def test_no_thread_is_pinned_to_a_core() -> None:
    """Several workers share a machine. Pinned threads of all of them would compete for its first cores."""
    code = f"""
import os
from pathlib import Path
import numpy as np
from runtimes.factory import load_predictor
from shared.model.artefact import read_artefact
path = Path({str(ARTEFACT)!r})
predictor = load_predictor(path, read_artefact(path), runtime="openvino", precision="mixed")
predictor.predict(np.zeros((8, 224, 224, 3), np.uint8))
print(all(os.sched_getaffinity(int(name)) == os.sched_getaffinity(0) for name in os.listdir("/proc/self/task")))
"""
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout == "True\n"


@pytest.mark.parametrize("precision", [AUTO, MIXED])
def test_without_bfloat16_everything_is_float32(
    manifest: Manifest, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_predictor, "computes_in_bfloat16", lambda: False)
    assert load(manifest, precision).precision == FLOAT32


def test_graph_is_cut_at_its_smallest_large_map_and_behind_the_last_activation(manifest: Manifest) -> None:
    graph = read_graph(ARTEFACT / manifest.graph, manifest.tensors)
    cuts = find_cuts(graph)
    assert cuts is not None
    operations = [node for node in graph.get_ordered_ops() if node.get_type_name() not in ("Constant", "Result")]
    shapes = [
        [str(length) for length in operations[index].output(0).get_partial_shape()][1:]
        for index in (cuts.front, *cuts.features)
    ]
    assert shapes == [["24", "56", "56"], ["112", "14", "14"], ["1280", "7", "7"]]
