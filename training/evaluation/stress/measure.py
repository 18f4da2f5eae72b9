"""How far the served score moves when pictures are changed in ways that do not change the lesion."""

import io
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from shared.images.decode import decode
from shared.images.thumbnail import make_thumbnail
from shared.model.artefact import Manifest
from shared.model.decision_rules import select_band
from training.data.image_cache import Pixels
from training.data.records.labelled_image import Picture, Population
from training.evaluation.measures.kinds import share_metric
from training.evaluation.result import StressResult
from training.evaluation.served_answers import served_answers
from training.evaluation.stress.changes import CHANGES, Named
from training.evaluation.tasks import Task, score
from training.exporting.predictor import GraphPredictor, Predicted
from training.metrics.bootstrap import SEED, Floats

#: Longest side at which pictures are changed: larger than the model sees, small enough to be quick.
_SIDE = 640


def stress_results(
    pictures: Sequence[Picture], graph: GraphPredictor, manifest: Manifest, count: int, report: Callable[[str], None]
) -> tuple[StressResult, ...]:
    """Change `count` pictures of each population and predict them again, with the artefact's graph.

    For a shift it does no harm that the graph may have learned from the unchanged picture.
    """
    found = []
    for population in Population:
        chosen = _drawn([one for one in pictures if one.population is population], count)
        if chosen:
            report(f"stress test: {len(chosen)} pictures, {population}, {len(CHANGES)} changes")
            before = _predict(graph, chosen, manifest, None)
            found += [
                _compare(change, population, before, _predict(graph, chosen, manifest, change), manifest)
                for change in CHANGES
            ]
    return tuple(found)


def _drawn(pictures: Sequence[Picture], count: int) -> list[Picture]:
    order = np.random.default_rng(SEED).permutation(len(pictures))[:count]
    return [pictures[place] for place in sorted(order.tolist())]


def _predict(graph: GraphPredictor, pictures: Sequence[Picture], manifest: Manifest, change: Named | None) -> Predicted:
    return graph.predict_each(_changed(one.path, change, manifest) for one in pictures)


def _changed(path: Path, change: Named | None, manifest: Manifest) -> Pixels:
    """The picture as it is served, after the change. Saved without loss in between, as decoding starts from bytes."""
    picture = make_thumbnail(path.read_bytes(), _SIDE)
    if change is not None:
        # The same marks on a picture whatever else is changed before it.
        seed = (SEED, zlib.crc32(f"{change.name} {path.name}".encode()))
        picture = change.change(picture, np.random.default_rng(seed))
    stream = io.BytesIO()
    picture.save(stream, "BMP")
    return decode(stream.getvalue(), manifest.picture).pixels


def _compare(
    change: Named, population: Population, before: Predicted, after: Predicted, manifest: Manifest
) -> StressResult:
    old, new = (score(Task.COUNTED, one.probabilities, manifest.labels) for one in (before, after))
    shift = new - old
    measured = next((known for known in manifest.populations if known.name == population), None)
    if measured is None:
        bands = None
    else:
        pairs = zip(old.tolist(), new.tolist(), strict=True)
        bands = np.array([select_band(a, measured, manifest) != select_band(b, measured, manifest) for a, b in pairs])
    answers = [_answers(one, told, manifest) for one, told in ((before, old), (after, new))]
    return StressResult(
        change=change.name,
        title=change.title,
        harmless=change.harmless,
        population=population,
        pictures=len(old),
        median_shift=float(np.median(np.abs(shift))),
        ninetieth_shift=float(np.quantile(np.abs(shift), 0.9)),
        mean_shift=float(shift.mean()),
        band_changes=None if bands is None else share_metric(bands),
        answer_changes=share_metric(np.array(answers[0]) != np.array(answers[1])),
    )


def _answers(found: Predicted, told: Floats, manifest: Manifest) -> list[str]:
    return served_answers(told, found.kinds, found.distance, manifest)
