"""The pointing game (Zhang et al., ECCV 2016): whether the strongest evidence lies in the lesion.

Pictures of lesions have them in the middle, where any map that prefers the middle is right. So the game is played on
crops that have the lesion off the centre, and the opponent is the centre.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from shared.images.thumbnail import make_thumbnail
from shared.model.artefact import Manifest
from training.data.image_cache import Pixels
from training.data.records.labelled_image import LabelledImage, Population
from training.evaluation.pointing.lesion_regions import GRID, Box, box_region, read_boxes, segment_lesion
from training.evaluation.result import PointingResult
from training.evaluation.tasks import Task, is_positive, score
from training.exporting.predictor import GraphPredictor
from training.metrics.bootstrap import (
    SEED,
    DrawWeights,
    Flags,
    Floats,
    draw_weights,
    metrics_with_intervals,
)

#: Side of a crop as a share of the picture's.
_CROP_SIDE: Final = 0.6
#: Lesions that cover more of the picture are everywhere in the crop.
_MAX_LESION_SHARE: Final = 0.25
#: Fewest crops on which a figure rests.
_MIN_CROPS: Final = 10
_MAX_SIDE: Final = 640
_FILTER: Final = Image.Resampling.BILINEAR


@dataclass(frozen=True)
class Crop:
    """A part of a picture, and the lesion in it, bool [rows, columns]."""

    image: LabelledImage
    pixels: Pixels
    lesion: Flags


def measure_pointing(
    pictures: Sequence[LabelledImage], graph: GraphPredictor, manifest: Manifest, count: int
) -> tuple[PointingResult, ...]:
    """Play with crops of up to `count` pictures of each population.

    The map is the evidence for malignancy, so the lesions are those that have some: whose label counts, and whose
    probability is not below every low band.
    """
    boxes, results = read_boxes(pictures), []
    least = min(known.bands.low_below for known in manifest.populations)
    for population in Population:
        chosen = [picture for picture in pictures if picture.population is population]
        for counts in (True, False):
            some = [
                one for one, yes in zip(chosen, is_positive(Task.COUNTED, chosen), strict=True) if yes or not counts
            ]
            crops = list(_draw_crops(some, boxes, manifest.picture.size, count))
            if not crops:
                continue
            found = graph.predict_each(crop.pixels for crop in crops)
            called = score(Task.COUNTED, found.probabilities, manifest.labels) >= least
            played = np.ones(len(crops), bool) if counts else called
            if played.sum() >= _MIN_CROPS:
                kept = [crop for crop, yes in zip(crops, played, strict=True) if yes]
                results.append(_measure(_title(population, counts), kept, found.evidence[played]))
    return tuple(results)


def _title(population: Population, counts: bool) -> str:
    which = "Malignant and pre-malignant lesions" if counts else "All lesions that are not called low"
    return which + (", phone, lesion boxes" if population is Population.PHONE else ", dermatoscope, simple masks")


def _draw_crops(pictures: Sequence[LabelledImage], boxes: Mapping[Path, Box], size: int, count: int) -> Iterator[Crop]:
    """Two crops of each of up to `count` pictures, taken by chance."""
    rng, found = np.random.default_rng(SEED), 0
    for place in rng.permutation(len(pictures)):
        picture = pictures[place]
        whole = make_thumbnail(picture.path.read_bytes(), _MAX_SIDE)
        region = _find_lesion(picture, whole, boxes)
        if found < count and region is not None and 0 < region.mean() <= _MAX_LESION_SHARE:
            found += 1
            for _ in range(2):
                yield _crop(picture, whole, region, size, rng)


def _find_lesion(picture: LabelledImage, whole: Image.Image, boxes: Mapping[Path, Box]) -> Flags | None:
    if picture.population is Population.PHONE:
        return box_region(boxes[picture.path]) if picture.path in boxes else None
    return segment_lesion(whole)


def _crop(picture: LabelledImage, whole: Image.Image, region: Flags, size: int, rng: np.random.Generator) -> Crop:
    """A crop in which the middle of the lesion is off the centre, as far as the picture has room for it."""
    side = round(GRID * _CROP_SIDE)
    top, left = (_draw_start(int(places.mean()), side, rng) for places in np.nonzero(region))
    x, y = whole.width / GRID, whole.height / GRID
    box = (left * x, top * y, (left + side) * x, (top + side) * y)
    pixels = np.asarray(whole.resize((size, size), _FILTER, box=box))
    return Crop(picture, pixels, region[top : top + side, left : left + side])


def _draw_start(middle: int, side: int, rng: np.random.Generator) -> int:
    """First row, or column, of a crop in which `middle` lies between 15 and 30 % from one of its ends."""
    within = rng.uniform(0.15, 0.3) if rng.random() < 0.5 else rng.uniform(0.7, 0.85)
    return int(np.clip(round(middle - within * side), 0, GRID - side))


def _measure(title: str, crops: Sequence[Crop], evidence: npt.NDArray[np.floating]) -> PointingResult:
    peak = np.array(
        [_is_in_lesion(crop.lesion, *_find_peak(cells)) for crop, cells in zip(crops, evidence, strict=True)]
    )
    centre = np.array([_is_in_lesion(crop.lesion, 0.5, 0.5) for crop in crops])
    inside = np.array([_evidence_share(crop.lesion, cells) for crop, cells in zip(crops, evidence, strict=True)])
    weights = draw_weights(np.zeros(len(crops), bool), [crop.image.group for crop in crops])

    def means(some: DrawWeights) -> dict[str, Floats]:
        values = {"peak": peak, "centre": centre, "gain": peak.astype(float) - centre, "inside": inside}
        return {name: some @ value / some.sum(axis=1) for name, value in values.items()}

    share = float(np.mean([crop.lesion.mean() for crop in crops]))
    return PointingResult(title=title, crops=len(crops), lesion_share=share, **metrics_with_intervals(means, weights))


def _find_peak(cells: npt.NDArray[np.floating]) -> tuple[float, float]:
    """Middle of the cell with the strongest evidence for malignancy, as shares of height and width."""
    row, column = np.unravel_index(cells.argmax(), cells.shape)
    return (float(row) + 0.5) / cells.shape[0], (float(column) + 0.5) / cells.shape[1]


def _is_in_lesion(lesion: Flags, y: float, x: float) -> bool:
    return bool(lesion[int(y * lesion.shape[0]), int(x * lesion.shape[1])])


def _evidence_share(lesion: Flags, cells: npt.NDArray[np.floating]) -> float:
    """Share of the evidence for malignancy that lies in the lesion, spread evenly over each cell."""
    shares = Image.fromarray(lesion.astype(np.float32)).resize(cells.shape[::-1], Image.Resampling.BOX)
    evidence = cells.clip(min=0)
    return float((evidence * np.asarray(shares)).sum() / max(float(evidence.sum()), 1e-12))
