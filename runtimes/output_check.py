"""Compares what a loaded model takes and gives with its `model.json`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from runtimes.base import Predictor
from shared.model.artefact import ArtefactError, Manifest


def check_input(directory: Path, manifest: Manifest, dtype: str, shape: Sequence[int | None]) -> None:
    """Compare the graph's input with the manifest.

    Args:
        directory: Directory of the artefact, for error messages.
        manifest: Its `model.json`.
        dtype: Name of the input's type, in NumPy's words.
        shape: Shape of the input; None stands for a dimension of any length.

    Raises:
        ArtefactError: The input is not uint8 [any, size, size, 3].
    """
    size = manifest.picture.size
    expected = (None, size, size, 3)
    if tuple(shape) != expected or dtype != "uint8":
        raise ArtefactError(
            f"the graph in {directory} takes {dtype} {tuple(shape)}, but model.json says uint8 {expected}:"
            " export the model again."
        )


def check_outputs(directory: Path, manifest: Manifest, predictor: Predictor) -> None:
    """Predict one black image and compare the shapes with the manifest.

    Raises:
        ArtefactError: A shape differs.
    """
    size = manifest.picture.size
    batch = predictor.predict(np.zeros((1, size, size, 3), np.uint8))
    expected = (1, len(manifest.labels)), (1, len(manifest.kinds.names))
    if (
        (batch.probabilities.shape, batch.kinds.shape) != expected
        or len(batch.evidence.shape) != 3
        or batch.distance.shape != (1,)
    ):
        raise ArtefactError(
            f"the graph in {directory} gives {batch.probabilities.shape[-1]} probabilities and"
            f" {batch.kinds.shape[-1]} kinds, but model.json has {len(manifest.labels)} labels and"
            f" {len(manifest.kinds.names)} kinds, or its evidence or distance has another shape:"
            " export the model again."
        )
