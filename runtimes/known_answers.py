"""Checks a runtime on its device with images whose outputs by the reference runtime are known."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runtimes.base import PredictionBatch, Predictor
from shared.config.settings import SettingsError
from shared.model.artefact import KNOWN_ANSWERS_NAME, ArtefactError, Manifest
from shared.model.decision_rules import decide_answer

#: Largest allowed difference of each output. Mixed precision differs by up to half of it, a wrong result by more.
MAX_DIFFERENCE: Final = {"probabilities": 0.03, "kinds": 0.06, "distance": 0.05, "evidence": 0.05}


@dataclass(frozen=True, slots=True)
class KnownAnswers:
    """Rendered images, uint8 [n, size, size, 3], and the outputs of the reference runtime for them."""

    images: NDArray[np.uint8]
    outputs: PredictionBatch


def write_known_answers(path: Path, answers: KnownAnswers) -> None:
    """Write known answers as a NumPy archive."""
    outputs = {name: getattr(answers.outputs, name) for name in MAX_DIFFERENCE}
    with path.open("wb") as stream:
        np.savez_compressed(stream, images=answers.images, **outputs)


def read_known_answers(path: Path) -> KnownAnswers:
    """Read known answers.

    Raises:
        ArtefactError: The file is no such archive.
    """
    try:
        with np.load(path) as archive:
            return KnownAnswers(archive["images"], PredictionBatch(**{name: archive[name] for name in MAX_DIFFERENCE}))
    except (OSError, ValueError, KeyError) as error:
        raise ArtefactError(f"{path} has no known answers ({error}): export the model again.") from error


def check_known_answers(directory: Path, manifest: Manifest, predictor: Predictor) -> None:
    """Predict the artefact's known answers, if it has any, and compare them with the reference's outputs.

    Raises:
        ArtefactError: The known answers cannot be read.
        SettingsError: An output differs by more than `MAX_DIFFERENCE`, or an answer is another one.
    """
    if KNOWN_ANSWERS_NAME not in manifest.files:
        return
    known = read_known_answers(directory / KNOWN_ANSWERS_NAME)
    # A device may compute a single image by other code than a batch.
    for count in (len(known.images), 1):
        _compare(predictor, predictor.predict(known.images[:count]), known.outputs, manifest)


def _compare(predictor: Predictor, actual: PredictionBatch, expected: PredictionBatch, manifest: Manifest) -> None:
    count = len(actual.distance)
    differences = {
        name: float(np.abs(getattr(actual, name) - getattr(expected, name)[:count]).max()) for name in MAX_DIFFERENCE
    }
    worst = max(differences, key=lambda name: _order_nan_last(differences[name]) / MAX_DIFFERENCE[name])
    # A comparison with NaN is false.
    if not differences[worst] <= MAX_DIFFERENCE[worst]:
        raise SettingsError(
            f"the runtime {predictor.runtime} on {predictor.device} gives other answers than the reference: the known"
            f" answers of {manifest.title} differ by up to {differences[worst]:.3g} in {worst}, and"
            f" {MAX_DIFFERENCE[worst]:g} is allowed; choose another device (MELANOMA_DEVICE) or runtime"
            " (MELANOMA_RUNTIME)."
        )
    changed = sum(decide_row(actual, row, manifest) != decide_row(expected, row, manifest) for row in range(count))
    if changed:
        raise SettingsError(
            f"the runtime {predictor.runtime} on {predictor.device} gives another band than the reference for {changed}"
            f" of {count} known answers of {manifest.title}, although no output differs by more than"
            f" {differences[worst]:.3g}; choose another device (MELANOMA_DEVICE) or runtime (MELANOMA_RUNTIME)."
        )


def decide_row(batch: PredictionBatch, row: int, manifest: Manifest) -> str | None:
    """Decide the band of one row as a worker does; None if the image is refused."""
    is_counted = np.array([label.counts for label in manifest.labels])
    score = float(batch.probabilities[row, is_counted].sum())
    return decide_answer(score, batch.kinds[row], float(batch.distance[row]), manifest)


def _order_nan_last(difference: float) -> float:
    return difference if difference == difference else np.inf
