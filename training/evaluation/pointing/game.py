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
from training.evaluation.pointing.regions import GRID, Box, boxed, masked, read_boxes
from training.evaluation.result import PointingResult
from training.evaluation.tasks import Task, score, truth
from training.exporting.predictor import GraphPredictor
from training.metrics.bootstrap import SEED, DrawWeights, Flags, Floats, draw_weights, metrics_with_intervals

#: Side of a crop as a share of the picture's.
_CROP: Final = 0.6
#: Lesions that cover more of the picture are everywhere in the crop.
_LARGEST: Final = 0.25
#: Fewest crops on which a figure rests.
_FEWEST: Final = 10
_SIDE: Final = 640
_FILTER: Final = Image.Resampling.BILINEAR


@dataclass(frozen=True)
class Crop:
    """A part of a picture, and the lesion in it, bool [rows, columns]."""

    picture: LabelledImage
    pixels: Pixels
    lesion: Flags


def pointing_results(
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
            some = [one for one, yes in zip(chosen, truth(Task.COUNTED, chosen), strict=True) if yes or not counts]
            crops = list(_crops(some, boxes, manifest.picture.size, count))
            if not crops:
                continue
            found = graph.predict_each(crop.pixels for crop in crops)
            called = score(Task.COUNTED, found.probabilities, manifest.labels) >= least
            played = np.ones(len(crops), bool) if counts else called
            if played.sum() >= _FEWEST:
                kept = [crop for crop, yes in zip(crops, played, strict=True) if yes]
                results.append(_played(_title(population, counts), kept, found.evidence[played]))
    return tuple(results)


def _title(population: Population, counts: bool) -> str:
    which = "Malignant and pre-malignant lesions" if counts else "All lesions that are not called low"
    return which + (", phone, lesion boxes" if population is Population.PHONE else ", dermatoscope, simple masks")


def _crops(pictures: Sequence[LabelledImage], boxes: Mapping[Path, Box], size: int, count: int) -> Iterator[Crop]:
    """Two crops of each of up to `count` pictures, taken by chance."""
    rng, found = np.random.default_rng(SEED), 0
    for place in rng.permutation(len(pictures)):
        picture = pictures[place]
        whole = make_thumbnail(picture.path.read_bytes(), _SIDE)
        region = _region(picture, whole, boxes)
        if found < count and region is not None and 0 < region.mean() <= _LARGEST:
            found += 1
            for _ in range(2):
                yield _cropped(picture, whole, region, size, rng)


def _region(picture: LabelledImage, whole: Image.Image, boxes: Mapping[Path, Box]) -> Flags | None:
    if picture.population is Population.PHONE:
        return boxed(boxes[picture.path]) if picture.path in boxes else None
    return masked(whole)


def _cropped(picture: LabelledImage, whole: Image.Image, region: Flags, size: int, rng: np.random.Generator) -> Crop:
    """A crop in which the middle of the lesion is off the centre, as far as the picture has room for it."""
    side = round(GRID * _CROP)
    top, left = (_start(int(places.mean()), side, rng) for places in np.nonzero(region))
    x, y = whole.width / GRID, whole.height / GRID
    box = (left * x, top * y, (left + side) * x, (top + side) * y)
    pixels = np.asarray(whole.resize((size, size), _FILTER, box=box))
    return Crop(picture, pixels, region[top : top + side, left : left + side])


def _start(middle: int, side: int, rng: np.random.Generator) -> int:
    """First row, or column, of a crop in which `middle` lies between 15 and 30 % from one of its ends."""
    within = rng.uniform(0.15, 0.3) if rng.random() < 0.5 else rng.uniform(0.7, 0.85)
    return int(np.clip(round(middle - within * side), 0, GRID - side))


def _played(title: str, crops: Sequence[Crop], evidence: npt.NDArray[np.floating]) -> PointingResult:
    peak = np.array([_in_lesion(crop.lesion, *_peak(cells)) for crop, cells in zip(crops, evidence, strict=True)])
    centre = np.array([_in_lesion(crop.lesion, 0.5, 0.5) for crop in crops])
    inside = np.array([_inside(crop.lesion, cells) for crop, cells in zip(crops, evidence, strict=True)])
    weights = draw_weights(np.zeros(len(crops), bool), [crop.picture.group for crop in crops])

    def means(some: DrawWeights) -> dict[str, Floats]:
        values = {"peak": peak, "centre": centre, "gain": peak.astype(float) - centre, "inside": inside}
        return {name: some @ value / some.sum(axis=1) for name, value in values.items()}

    share = float(np.mean([crop.lesion.mean() for crop in crops]))
    return PointingResult(title=title, crops=len(crops), lesion_share=share, **metrics_with_intervals(means, weights))


def _peak(cells: npt.NDArray[np.floating]) -> tuple[float, float]:
    """Middle of the cell with the strongest evidence for malignancy, as shares of height and width."""
    row, column = np.unravel_index(cells.argmax(), cells.shape)
    return (float(row) + 0.5) / cells.shape[0], (float(column) + 0.5) / cells.shape[1]


def _in_lesion(lesion: Flags, y: float, x: float) -> bool:
    return bool(lesion[int(y * lesion.shape[0]), int(x * lesion.shape[1])])


def _inside(lesion: Flags, cells: npt.NDArray[np.floating]) -> float:
    """Share of the evidence for malignancy that lies in the lesion, spread evenly over each cell."""
    shares = Image.fromarray(lesion.astype(np.float32)).resize(cells.shape[::-1], Image.Resampling.BOX)
    evidence = cells.clip(min=0)
    return float((evidence * np.asarray(shares)).sum() / max(float(evidence.sum()), 1e-12))
