"""`make bench-gpu` on the CPU of this machine."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.runtimes.gpu.bare_model import measure_batches
from benchmarks.runtimes.gpu.ceilings import Ceilings
from benchmarks.runtimes.gpu.service import Cores
from runtimes.base import PredictionBatch
from runtimes.factory import load_predictor
from runtimes.known_answers import KnownAnswers, read_known_answers
from shared.model.artefact import KNOWN_ANSWERS_NAME, read_artefact
from tests.runtimes.images import ARTEFACT


def test_ceiling_is_the_slower_part_or_both_parts_on_the_same_cores() -> None:
    assert Ceilings(decoding=300, model=600, is_shared=False).total == 300
    assert Ceilings(decoding=300, model=600, is_shared=False).limit == "decoding"
    assert Ceilings(decoding=700, model=600, is_shared=False).total == 600
    assert Ceilings(decoding=300, model=600, is_shared=True).total == pytest.approx(200)


def test_clients_and_broker_get_a_quarter_of_the_cores_if_there_are_four() -> None:
    assert Cores.split([0, 1, 2]) == Cores([0, 1, 2], [0, 1, 2])
    assert Cores.split([0, 1, 2]).client_count == 1
    cores = Cores.split(list(range(16)))
    assert (len(cores.worker), len(cores.clients), cores.client_count) == (12, 4, 3)
    assert not set(cores.worker) & set(cores.clients)


@pytest.mark.slow
def test_outputs_of_each_batch_size_are_compared_with_the_known_answers() -> None:
    manifest, known = read_artefact(ARTEFACT), read_known_answers(ARTEFACT / KNOWN_ANSWERS_NAME)
    predictor = load_predictor(ARTEFACT, manifest, runtime="openvino", precision="float32")
    sizes = [1, 8]
    for figures, size in zip(measure_batches(predictor, manifest, known, sizes, 0), sizes, strict=True):
        assert (figures.size, figures.agreement.pictures, figures.agreement.band_changes) == (size, size, 0)
        assert figures.agreement.max_difference < 1e-4
    rolled = PredictionBatch(*(np.roll(getattr(known.outputs, name), 1, axis=0) for name in PredictionBatch.__slots__))
    [wrong] = measure_batches(predictor, manifest, KnownAnswers(known.images, rolled), [8], 0)
    assert wrong.agreement.band_changes > 0
    assert wrong.agreement.max_difference > 0.1


@pytest.mark.system
def test_benchmark_runs_end_to_end_with_two_worker_processes() -> None:
    options = ["--quick", "--batches", "1,2", "--processes", "2", "--images", "4", "--rendered", "2", "--seconds", "1"]
    command = [sys.executable, "-m", "benchmarks.runtimes.gpu", *options]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr
    figures = json.loads(run.stdout.splitlines()[-1])
    assert (figures["lost"], figures["no_verdict"]) == (0, 0)
    assert (figures["known_answers_changed"], figures["tensorflow_changed"]) == (0, 0)
    assert figures["service_img_s_2"] > 0
    assert figures["ratio_2"] > 0
    assert {"model_img_s_1", "model_img_s_2", "decoding_img_s", "limit_2"} <= set(figures)
