"""Compares the installed runtimes with the reference: a person must not get another band from another worker."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from runtimes.base import FLOAT32, MIXED, PredictionBatch, Predictor
from runtimes.factory import list_installed, load_predictor
from runtimes.known_answers import decide_row
from shared.config.settings import SettingsError
from shared.model.artefact import ArtefactError, Manifest
from training.data.image_cache import Pixels, decode_file
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.records.labels import LABEL_NAMES
from training.errors import TrainingError
from training.evaluation.result import AgreementResult

#: The runtime that the others are compared with.
REFERENCE: Final = "tensorflow"

#: Images in a batch: about what a worker on a few cores predicts at once.
_BATCH: Final = 8


@dataclass
class _Measured:
    """A predictor, its outputs so far, and the seconds of each full batch."""

    predictor: Predictor
    parts: list[PredictionBatch] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def predict(self, images: Pixels) -> None:
        started = time.perf_counter()
        self.parts.append(self.predictor.predict(images))
        if len(images) == _BATCH:
            self.seconds.append(time.perf_counter() - started)

    def join(self, name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in self.parts])


def select_images(images: Sequence[LabelledImage]) -> list[LabelledImage]:
    """Select the test set and the phone pictures. Nothing is chosen by the outputs for them."""
    return [image for image in images if image.split is Split.TEST or image.fold is not None]


def compare_on_images(
    directory: Path, manifest: Manifest, images: Sequence[LabelledImage], progress: Callable[[str], None]
) -> tuple[AgreementResult, ...]:
    """Compare the runtimes on labelled images. Arguments and errors are those of `compare_runtimes`."""
    melanoma = LABEL_NAMES.index("mel")
    truth = [image.label == melanoma if image.population is Population.DERMATOSCOPE else None for image in images]
    pixels = (decode_file(image.path, manifest.picture) for image in images)
    return compare_runtimes(directory, manifest, pixels, truth, progress)


def compare_runtimes(
    directory: Path,
    manifest: Manifest,
    images: Iterator[Pixels],
    is_melanoma: Sequence[bool | None],
    progress: Callable[[str], None],
) -> tuple[AgreementResult, ...]:
    """Compare every installed runtime, in each precision that it has here, with the reference.

    Args:
        directory: Folder of the artefact.
        manifest: Its `model.json`.
        images: Images, each uint8 [size, size, 3].
        is_melanoma: For each image whether it shows a melanoma; None for images that the AUC leaves out.
        progress: Called with a sentence about each runtime.

    Raises:
        TrainingError: A runtime cannot be loaded, or the reference is not installed.
    """
    return compare_predictors(_load_predictors(directory, manifest, progress), manifest, images, is_melanoma)


def compare_predictors(
    predictors: Sequence[Predictor], manifest: Manifest, images: Iterator[Pixels], is_melanoma: Sequence[bool | None]
) -> tuple[AgreementResult, ...]:
    """Compare predictors with the first of them. `images` and `is_melanoma` are those of `compare_runtimes`.

    All predict a batch before the next one, so that a disturbance of the machine affects all of them.
    """
    measured = [_Measured(predictor) for predictor in predictors]
    while chunk := list(islice(images, _BATCH)):
        for one in measured:
            one.predict(np.stack(chunk))
    reference = measured[0]
    return tuple(_compare(one, reference, manifest, is_melanoma) for one in measured)


def compare_with_outputs(
    predictor: Predictor, images: Pixels, outputs: PredictionBatch, manifest: Manifest
) -> AgreementResult:
    """Compare a predictor with the reference's `outputs` for `images`, uint8 [n, size, size, 3], in one batch."""
    measured = _Measured(predictor)
    measured.predict(images)
    return _compare(measured, _Measured(predictor, [outputs]), manifest, [None] * len(images))


def _load_predictors(directory: Path, manifest: Manifest, progress: Callable[[str], None]) -> list[Predictor]:
    """Load the reference first, then the others."""
    names = sorted(list_installed(manifest), key=lambda name: name != REFERENCE)
    if REFERENCE not in names:
        raise TrainingError("TensorFlow is not installed: install the extra `tensorflow`, it is the reference.")
    predictors: list[Predictor] = []
    for name in names:
        for precision in (FLOAT32, MIXED):
            device = "CPU:0" if name == REFERENCE else ""
            try:
                predictor = load_predictor(directory, manifest, runtime=name, device=device, precision=precision)
            except (ArtefactError, SettingsError) as error:
                raise TrainingError(str(error)) from error
            # A runtime without mixed precision gives float32 again.
            if predictor.precision == precision:
                progress(f"comparing {name} on {predictor.device} in {precision}")
                predictors.append(predictor)
    return predictors


def _compare(
    one: _Measured, reference: _Measured, manifest: Manifest, is_melanoma: Sequence[bool | None]
) -> AgreementResult:
    is_counted = np.array([label.counts for label in manifest.labels])
    before, after = reference.join("probabilities"), one.join("probabilities")
    scores = np.abs(after[:, is_counted].sum(axis=1) - before[:, is_counted].sum(axis=1))
    answers, expected = (_list_answers(each.parts, manifest) for each in (one, reference))
    melanoma = [label.name for label in manifest.labels].index("mel")
    known = np.array([value is not None for value in is_melanoma])
    truth = np.array([bool(value) for value in is_melanoma])[known]
    has_both = truth.any() and not truth.all()
    # The first full batch of each runtime includes what is compiled or allocated once.
    seconds, reference_seconds = (sum(each.seconds[1:]) for each in (one, reference))
    return AgreementResult(
        runtime=one.predictor.runtime,
        device=one.predictor.device,
        precision=one.predictor.precision,
        pictures=len(after),
        band_changes=sum(new != old for new, old in zip(answers, expected, strict=True)),
        max_difference=float(max(np.abs(after - before).max(), scores.max())),
        mean_difference=float(scores.mean()),
        max_distance_difference=float(np.abs(one.join("distance") - reference.join("distance")).max()),
        max_evidence_difference=float(np.abs(one.join("evidence") - reference.join("evidence")).max()),
        auc_change=_auc_change(before[known, melanoma], after[known, melanoma], truth) if has_both else None,
        pictures_per_second=_BATCH * len(one.seconds[1:]) / seconds if seconds else None,
        speed_ratio=reference_seconds / seconds if seconds else None,
    )


def _auc_change(before: np.ndarray, after: np.ndarray, truth: np.ndarray) -> float:
    # Imported here: a machine that only compares outputs needs no scikit-learn.
    from training.metrics.auc import auc

    return float(auc(after, truth) - auc(before, truth))


def _list_answers(batches: Sequence[PredictionBatch], manifest: Manifest) -> list[str | None]:
    return [decide_row(batch, row, manifest) for batch in batches for row in range(len(batch.distance))]
