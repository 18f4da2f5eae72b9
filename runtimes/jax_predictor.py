"""The runtime for GPUs and TPUs: runs the model's StableHLO with JAX. It also runs on CPUs."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runtimes.base import FLOAT32, PredictionBatch, Predictor
from runtimes.output_check import check_input, check_outputs
from shared.config.settings import SettingsError
from shared.model.artefact import STABLEHLO_NAME, ArtefactError, Manifest

# JAX reads this at import. By default it takes three quarters of a GPU's memory, although other processes may share it.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
from jax import export as jax_export

#: JAX' names of the kinds of devices, in the order in which they are preferred.
_PLATFORMS: Final = {"GPU": "gpu", "TPU": "tpu", "CPU": "cpu"}


class JAXPredictor:
    """The function of an artefact's graph on one device, in float32.

    JAX compiles it for each batch size at its first use. The worker's warm-up uses every size once.

    Args:
        form: File that `training.exporting.forms.stablehlo` wrote.
        graph: File with the frozen GraphDef, which contains the weights.
        device: Name of the device, such as `GPU:0`.

    Raises:
        ArtefactError: JAX cannot load the function.
        SettingsError: JAX sees no such device.
    """

    runtime = "jax"
    precision = FLOAT32

    def __init__(self, form: Path, graph: Path, device: str = "") -> None:
        self.device, self._device = _select_device(device)
        self._exported, weights = _load_function(form, graph)

        def compute(images: jax.Array) -> tuple[jax.Array, ...]:
            # As constants, the weights are laid out for the device once, when the function is compiled.
            outputs: tuple[jax.Array, ...] = self._exported.call(images, *weights)
            return outputs

        self._compute: Callable[[jax.Array], tuple[jax.Array, ...]] = jax.jit(compute)

    @property
    def input_spec(self) -> tuple[str, tuple[int | None, ...]]:
        """Name of the input's type in NumPy's words, and its shape; None stands for a dimension of any length."""
        images = self._exported.in_avals[0]
        return str(images.dtype), tuple(length if isinstance(length, int) else None for length in images.shape)

    def predict(self, images: NDArray[np.uint8]) -> PredictionBatch:
        """Run one forward pass over uint8 [n, size, size, 3]."""
        outputs = jax.device_get(self._compute(jax.device_put(images, self._device)))
        return PredictionBatch(*(np.array(output) for output in outputs))


def load(directory: Path, manifest: Manifest, device: str, _precision: str) -> Predictor:
    """Load an artefact's function on a device, and check that it fits the manifest. It computes in float32.

    Raises:
        ArtefactError: The function cannot be loaded or does not fit the manifest.
        SettingsError: There is no such device.
    """
    predictor = JAXPredictor(directory / STABLEHLO_NAME, directory / manifest.graph, device)
    check_input(directory, manifest, *predictor.input_spec)
    check_outputs(directory, manifest, predictor)
    return predictor


def _select_device(name: str) -> tuple[str, Any]:
    """Find a device by name; '' selects the first GPU, or else the first TPU, or else the CPU."""
    devices: dict[str, Any] = {}
    for kind, platform in _PLATFORMS.items():
        try:
            found = jax.devices(platform)
        except RuntimeError:  # JAX has no such devices here
            continue
        devices |= {f"{kind}:{index}": device for index, device in enumerate(found)}
    if name and name not in devices:
        raise SettingsError(
            f"setting MELANOMA_DEVICE: there is no {name}; JAX {jax.__version__} sees {', '.join(devices)} here."
        )
    selected = name or next(iter(devices))
    return selected, devices[selected]


def _load_function(form: Path, graph: Path) -> tuple[Any, list[NDArray[Any]]]:
    """Load the exported function and its weights."""
    try:
        with np.load(form) as archive:
            exported = jax_export.deserialize(bytearray(archive["module"].tobytes()))
            offsets = archive["offsets"].tolist()
        content = graph.read_bytes()
        weights = [
            np.frombuffer(content, weight.dtype, weight.size, offset).reshape(weight.shape)
            for weight, offset in zip(exported.in_avals[1:], offsets, strict=True)
        ]
    except Exception as error:
        # NumPy, FlatBuffers and MLIR raise different errors, which mean the same to an operator.
        raise ArtefactError(f"{form} is not a function that JAX {jax.__version__} can load: {error}.") from error
    return exported, weights
