"""Measures how far the served score moves when images are changed in ways that do not change the lesion."""

import io
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from runtimes.base import PredictionBatch
from shared.contract.decision import Band
from shared.images.decode import decode
from shared.images.thumbnail import make_thumbnail
from shared.model.artefact import Manifest
from shared.model.decision_rules import select_band
from training.data.image_cache import Pixels
from training.data.records.labelled_image import LabelledImage, Population
from training.evaluation.measures.kinds import compute_share
from training.evaluation.result import StressResult
from training.evaluation.served_answers import decide_answers
from training.evaluation.stress.stress_suite import CHANGES, NamedChange
from training.evaluation.tasks import Task, is_positive, score
from training.exporting.predictor import GraphPredictor
from training.metrics.bootstrap import SEED, Flags

#: Longest side of the images that are changed: larger than the model's input, small enough to be fast.
_MAX_SIDE: Final = 640


def measure_stress(
    images: Sequence[LabelledImage],
    graph: GraphPredictor,
    manifest: Manifest,
    count: int,
    progress: Callable[[str], None],
) -> tuple[StressResult, ...]:
    """Change `count` images of each population and predict them again with the artefact's graph.

    The graph may have been trained on the unchanged images: that does not matter, as only the shift is measured.
    """
    results = []
    for population in Population:
        sample = _sample([image for image in images if image.population is population], count)
        if sample:
            progress(f"stress test: {len(sample)} pictures, {population}, {len(CHANGES)} changes")
            before, is_counted = _predict(graph, sample, manifest, None), is_positive(Task.COUNTED, sample)
            results += [
                compare(change, population, is_counted, before, _predict(graph, sample, manifest, change), manifest)
                for change in CHANGES
            ]
    return tuple(results)


def _sample(images: Sequence[LabelledImage], count: int) -> list[LabelledImage]:
    indices = np.random.default_rng(SEED).permutation(len(images))[:count]
    return [images[index] for index in sorted(indices.tolist())]


def _predict(
    graph: GraphPredictor, images: Sequence[LabelledImage], manifest: Manifest, change: NamedChange | None
) -> PredictionBatch:
    return graph.predict_each(_apply(image.path, change, manifest) for image in images)


def _apply(path: Path, change: NamedChange | None, manifest: Manifest) -> Pixels:
    """Change an image and decode it as serving does. Decoding starts from bytes, so it is saved without loss first."""
    image = make_thumbnail(path.read_bytes(), _MAX_SIDE)
    if change is not None:
        # The seed depends on change and file alone, so an image always gets the same marks.
        seed = (SEED, zlib.crc32(f"{change.name} {path.name}".encode()))
        image = change.change(image, np.random.default_rng(seed))
    stream = io.BytesIO()
    image.save(stream, "BMP")
    return decode(stream.getvalue(), manifest.picture).pixels


def compare(
    change: NamedChange,
    population: Population,
    is_counted: Flags,
    before: PredictionBatch,
    after: PredictionBatch,
    manifest: Manifest,
) -> StressResult:
    """Compare the predictions of n images of one population before and after a change.

    `is_counted` [n] is true for lesions of a label that counts.
    """
    old, new = (score(Task.COUNTED, predicted.probabilities, manifest.labels) for predicted in (before, after))
    shift = new - old
    measured = next((known for known in manifest.populations if known.name == population), None)
    band_changes = None
    if measured is not None:
        pairs = zip(old.tolist(), new.tolist(), strict=True)
        is_changed = [select_band(a, measured, manifest) != select_band(b, measured, manifest) for a, b in pairs]
        band_changes = compute_share(np.array(is_changed))
    old_answers, new_answers = (
        np.array(decide_answers(scores, predicted.kinds, predicted.distance, manifest))
        for scores, predicted in ((old, before), (new, after))
    )
    return StressResult(
        change=change.name,
        title=change.title,
        harmless=change.harmless,
        population=population,
        pictures=len(old),
        median_shift=float(np.median(np.abs(shift))),
        ninetieth_shift=float(np.quantile(np.abs(shift), 0.9)),
        mean_shift=float(shift.mean()),
        counted_mean_shift=float(shift[is_counted].mean()) if is_counted.any() else None,
        counted_tenth_shift=float(np.quantile(shift[is_counted], 0.1)) if is_counted.any() else None,
        band_changes=band_changes,
        answer_changes=compute_share(old_answers != new_answers),
        high_to_low=compute_share((old_answers == Band.HIGH.value) & (new_answers == Band.LOW.value)),
    )
