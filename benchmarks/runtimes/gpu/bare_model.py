"""The model without the service: its answers and its speed by batch size, and its agreement with other runtimes."""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from runtimes.base import FLOAT32, PredictionBatch, Predictor
from runtimes.factory import list_installed, load_predictor
from runtimes.known_answers import MAX_DIFFERENCE, KnownAnswers
from shared.model.artefact import Manifest
from training.data.image_cache import decode_file
from training.evaluation.measures.runtime_agreement import REFERENCE, compare_predictors, compare_with_outputs
from training.evaluation.result import AgreementResult

#: Runtimes on the CPU with which the device is compared, where they are installed.
_OTHERS: Final = (REFERENCE, "openvino")


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """One batch size: images a second with the copies to and from the device, and the agreement of its answers."""

    size: int
    images_per_s: float
    agreement: AgreementResult


def measure_batches(
    predictor: Predictor, manifest: Manifest, known: KnownAnswers, sizes: Sequence[int], seconds: float
) -> Iterator[BatchFigures]:
    """Measure each batch size for some seconds, on the artefact's images, and compare the outputs with its answers.

    A device may compute each batch size by other code, so each is compared.
    """
    for size in sizes:
        rows = np.arange(size) % len(known.images)
        images = known.images[rows]
        expected = PredictionBatch(**{name: getattr(known.outputs, name)[rows] for name in MAX_DIFFERENCE})
        # This also compiles the size.
        agreement = compare_with_outputs(predictor, images, expected, manifest)
        times: list[float] = []
        while not times or sum(times) < seconds:
            started = time.perf_counter()
            predictor.predict(images)
            times.append(time.perf_counter() - started)
        yield BatchFigures(size, size / statistics.median(times), agreement)


def compare_with_installed(
    predictor: Predictor, artefact: Path, manifest: Manifest, paths: Sequence[Path]
) -> dict[str, AgreementResult]:
    """Compare a predictor with each other runtime that is installed, on the CPU in float32.

    Returns:
        By the name of the other runtime.
    """
    installed = list_installed(manifest)
    results: dict[str, AgreementResult] = {}
    for name in _OTHERS:
        if name in installed and name != predictor.runtime:
            other = load_predictor(artefact, manifest, runtime=name, device="CPU:0", precision=FLOAT32)
            pixels = (decode_file(path, manifest.picture) for path in paths)
            results[name] = compare_predictors([other, predictor], manifest, pixels, [None] * len(paths))[1]
    return results
