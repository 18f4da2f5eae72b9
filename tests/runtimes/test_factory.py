"""The factory selects the runtime of an artefact. One module and its registration add a runtime."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtimes import factory
from runtimes.base import AUTO
from runtimes.factory import RUNTIMES, RegisteredRuntime, list_installed, load_predictor, select_runtime
from shared.config.settings import Settings, SettingsError
from shared.contract.decision import Verdict
from shared.model.artefact import ArtefactError, Manifest
from tests.runtimes.images import ARTEFACT
from tests.runtimes.toy_runtime import ToyPredictor
from tests.worker.artefacts import write_artefact
from tests.worker.items import make_item, make_jpeg
from worker.batching.work_item import Prediction
from worker.serving.model_manager import load_model


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the toy runtime. It also runs a format of its own."""
    entry = RegisteredRuntime("tests.runtimes.toy_runtime", frozenset({"tensorflow-graph", "toy"}), "numpy")
    monkeypatch.setitem(RUNTIMES, "toy", entry)


def changed(manifest: Manifest, **fields: Any) -> Manifest:
    return manifest.model_copy(update=fields)


def test_auto_prefers_the_runtime_of_the_lowest_rank_that_runs_the_format(manifest: Manifest, toy: None) -> None:
    assert select_runtime(ARTEFACT, manifest) == "openvino"
    assert select_runtime(ARTEFACT, changed(manifest, runtime="toy")) == "toy"


def test_unknown_format_is_refused_in_one_sentence(manifest: Manifest) -> None:
    with pytest.raises(ArtefactError, match=r"model\.json has the format 'abacus'.* run tensorflow-graph: [^.]*\.$"):
        load_predictor(ARTEFACT, changed(manifest, runtime="abacus"))


def test_unknown_runtime_is_refused_in_one_sentence(manifest: Manifest) -> None:
    with pytest.raises(SettingsError, match=r"^setting MELANOMA_RUNTIME: there is no runtime abacus; .*\.$"):
        load_predictor(ARTEFACT, manifest, runtime="abacus")


def test_runtime_that_cannot_run_the_format_is_refused(manifest: Manifest, toy: None) -> None:
    with pytest.raises(SettingsError, match=r"tensorflow cannot run the format 'toy' .*; choose auto or toy\.$"):
        load_predictor(ARTEFACT, changed(manifest, runtime="toy"), runtime="tensorflow")


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let runtimes seem not to be installed."""
    for name in names:
        monkeypatch.setitem(RUNTIMES, name, replace(RUNTIMES[name], library="not_installed"))


def test_auto_passes_over_a_runtime_that_is_not_installed(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "openvino")
    assert select_runtime(ARTEFACT, manifest) == "tensorflow"
    with pytest.raises(SettingsError, match=r"^setting MELANOMA_RUNTIME: openvino is not installed here; .*\.$"):
        select_runtime(ARTEFACT, manifest, "openvino")
    hide(monkeypatch, "tensorflow")
    assert select_runtime(ARTEFACT, manifest) == "jax"
    hide(monkeypatch, "jax")
    with pytest.raises(
        SettingsError, match=r"^no model runtime that is installed here \(none\) can use the CPU; .*\.$"
    ):
        select_runtime(ARTEFACT, manifest)


def test_runtime_whose_file_the_artefact_lacks_is_passed_over(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = changed(manifest, files={manifest.graph: manifest.files[manifest.graph]})
    hide(monkeypatch, "openvino")
    assert select_runtime(ARTEFACT, old) == "tensorflow"
    assert list_installed(old) == ["tensorflow"]
    with pytest.raises(SettingsError, match=r"jax needs the file model\.stablehlo\.npz, .*; run melanoma-forms .*\.$"):
        select_runtime(ARTEFACT, old, "jax")


def test_auto_takes_the_runtime_that_can_use_the_device(manifest: Manifest) -> None:
    assert select_runtime(ARTEFACT, manifest, device="CPU:0") == "openvino"
    assert select_runtime(ARTEFACT, manifest, device="GPU:1") == "jax"
    assert select_runtime(ARTEFACT, manifest, device="TPU:0") == "jax"
    with pytest.raises(SettingsError, match=r"^setting MELANOMA_DEVICE: openvino cannot use GPU:1; .*\.$"):
        select_runtime(ARTEFACT, manifest, "openvino", "GPU:1")


@pytest.mark.parametrize(
    ("accelerators", "packages", "expected"),
    [
        ({"gpu"}, {"nvidia", "jax_cuda13_plugin"}, "jax"),
        ({"gpu"}, {"nvidia", "jax_cuda12_plugin"}, "jax"),
        ({"gpu"}, {"nvidia"}, "tensorflow"),
        ({"gpu"}, {"libtpu"}, "openvino"),
        ({"tpu"}, {"libtpu"}, "jax"),
        ({"tpu"}, {"nvidia"}, "openvino"),
        (set(), {"nvidia", "jax_cuda13_plugin", "libtpu"}, "openvino"),
    ],
)
def test_auto_prefers_an_accelerator_whose_libraries_are_installed(
    manifest: Manifest,
    accelerators: set[str],
    packages: set[str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for kind, name, value in (("gpu", "_NVIDIA_DRIVER", tmp_path), ("tpu", "_TPU_DEVICES", (tmp_path,))):
        absent = tmp_path / "absent"
        monkeypatch.setattr(factory, name, value if kind in accelerators else (absent,) if kind == "tpu" else absent)
    known = packages | {"openvino", "jax", "tensorflow"}
    monkeypatch.setattr(factory, "find_spec", lambda name: name if name in known else None)
    assert select_runtime(ARTEFACT, manifest) == expected


def test_selecting_a_runtime_imports_none() -> None:
    code = (
        "import sys; from pathlib import Path; from runtimes.factory import select_runtime\n"
        "from shared.model.artefact import read_artefact\n"
        f"path = Path({str(ARTEFACT)!r}); select_runtime(path, read_artefact(path))\n"
        "sys.exit('tensorflow' in sys.modules or 'openvino' in sys.modules or 'jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# JAX compiles the model for seconds.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name == "jax" else [])
        for name in RUNTIMES
        if name != "tensorflow"
    ],
)
def test_only_the_reference_needs_tensorflow(name: str) -> None:
    code = (
        "import sys; from pathlib import Path; from runtimes.factory import load_predictor\n"
        "from shared.model.artefact import read_artefact\n"
        "sys.modules['tensorflow'] = None\n"
        f"path = Path({str(ARTEFACT)!r}); load_predictor(path, read_artefact(path), runtime={name!r}, device='CPU:0')"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_openvino_does_not_report_its_use_to_the_vendor() -> None:
    code = (
        "import sys, threading; import runtimes.openvino_predictor\n"
        "sys.exit(sys.modules['openvino_telemetry'] is not None or threading.active_count() > 1)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_runtime_under_another_name_is_refused(manifest: Manifest, toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToyPredictor, "runtime", "tensorflow")
    with pytest.raises(ValueError, match="registered as toy calls itself tensorflow"):
        load_predictor(ARTEFACT, manifest, runtime="toy")


@pytest.mark.slow
@pytest.mark.parametrize("runtime", [AUTO, *RUNTIMES])
def test_registered_runtimes_load_the_shipped_artefact(manifest: Manifest, runtime: str) -> None:
    predictor = load_predictor(ARTEFACT, manifest, runtime=runtime, device="CPU:0")
    size = manifest.picture.size
    batch = predictor.predict(np.zeros((3, size, size, 3), np.uint8))
    assert predictor.runtime in RUNTIMES
    assert predictor.device == "CPU:0"
    assert batch.probabilities.shape == (3, len(manifest.labels))
    assert batch.kinds.shape == (3, len(manifest.kinds.names))
    for shares in (batch.probabilities, batch.kinds):
        assert shares.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (batch.evidence.shape[0], batch.evidence.ndim, batch.distance.shape) == (3, 3, (3,))
    for values in (batch.probabilities, batch.evidence, batch.distance, batch.kinds):
        assert values.dtype == np.float32


def test_runtime_is_one_module_and_verdicts_name_it(toy: None, manifest: Manifest, tmp_path: Path) -> None:
    """Only the registry names the toy. A verdict names the runtime that predicted."""
    # The shipped artefact has known answers, which the toy does not give.
    artefact = write_artefact(tmp_path / "artefact", manifest)
    model = load_model(artefact, Settings(runtime="toy", max_batch_size=2, decode_slots=1), lambda _: None)
    try:
        assert (model.runtime, model.device) == ("toy", "CPU:0")
        item = make_item(make_jpeg())
        model.pipeline.put(item)
        item.message.take()
        assert isinstance(item.outcome, Prediction)
        decision = model.postprocessor.decide(item.outcome, advice=item.advice, decode_s=item.decode_s)
        assert isinstance(decision, Verdict)
        assert decision.work.runtime == "toy on CPU:0 in float32"
    finally:
        model.pipeline.release()
        model.pipeline.join()
