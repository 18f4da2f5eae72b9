"""The pointing game (Zhang et al., ECCV 2016): how often the strongest evidence lies in the lesion.

In images of lesions the lesion is in the middle, so any map that prefers the middle would be right. Therefore the game
uses crops with the lesion off the centre, and the baseline is the centre of the crop.
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
from training.metrics.bootstrap import SEED, DrawWeights, Flags, Floats, draw_weights, metrics_with_intervals

#: Side of a crop as a share of the image's side.
_CROP_SIDE: Final = 0.6
#: A lesion that covers a larger share of the image would fill the crop.
_MAX_LESION_SHARE: Final = 0.25
#: Crops that a figure needs.
_MIN_CROPS: Final = 10
_MAX_SIDE: Final = 640
_FILTER: Final = Image.Resampling.BILINEAR


@dataclass(frozen=True)
class Crop:
    """A part of an image.

    Attributes:
        image: The whole image.
        pixels: The crop, uint8 [size, size, 3].
        lesion: The lesion in the crop, bool [rows, columns].
    """

    image: LabelledImage
    pixels: Pixels
    lesion: Flags


def measure_pointing(
    images: Sequence[LabelledImage], graph: GraphPredictor, manifest: Manifest, count: int
) -> tuple[PointingResult, ...]:
    """Play the game with crops of up to `count` images of each population.

    The map is the evidence for malignancy. So each population is measured twice: on lesions of a label that counts, and
    on all lesions whose probability is not below every low band.
    """
    boxes, results = read_boxes(images), []
    lowest_threshold = min(known.bands.low_below for known in manifest.populations)
    for population in Population:
        members = [image for image in images if image.population is population]
        for only_counted in (True, False):
            eligible = [
                image
                for image, is_counted in zip(members, is_positive(Task.COUNTED, members), strict=True)
                if is_counted or not only_counted
            ]
            crops = list(_draw_crops(eligible, boxes, manifest.picture.size, count))
            if not crops:
                continue
            predicted = graph.predict_each(crop.pixels for crop in crops)
            is_not_low = score(Task.COUNTED, predicted.probabilities, manifest.labels) >= lowest_threshold
            is_used = np.ones(len(crops), bool) if only_counted else is_not_low
            if is_used.sum() >= _MIN_CROPS:
                used = [crop for crop, flag in zip(crops, is_used, strict=True) if flag]
                results.append(_measure(_title(population, only_counted), used, predicted.evidence[is_used]))
    return tuple(results)


def _title(population: Population, only_counted: bool) -> str:
    lesions = "Malignant and pre-malignant lesions" if only_counted else "All lesions that are not called low"
    return lesions + (", phone, lesion boxes" if population is Population.PHONE else ", dermatoscope, simple masks")


def _draw_crops(images: Sequence[LabelledImage], boxes: Mapping[Path, Box], size: int, count: int) -> Iterator[Crop]:
    """Yield two crops of each of up to `count` images, drawn at random."""
    rng, used = np.random.default_rng(SEED), 0
    for index in rng.permutation(len(images)):
        image = images[index]
        pil_image = make_thumbnail(image.path.read_bytes(), _MAX_SIDE)
        region = _find_lesion(image, pil_image, boxes)
        if used < count and region is not None and 0 < region.mean() <= _MAX_LESION_SHARE:
            used += 1
            for _ in range(2):
                yield _crop(image, pil_image, region, size, rng)


def _find_lesion(image: LabelledImage, pil_image: Image.Image, boxes: Mapping[Path, Box]) -> Flags | None:
    if image.population is Population.PHONE:
        return box_region(boxes[image.path]) if image.path in boxes else None
    return segment_lesion(pil_image)


def _crop(image: LabelledImage, pil_image: Image.Image, region: Flags, size: int, rng: np.random.Generator) -> Crop:
    """Crop so that the middle of the lesion is off the centre, as far as the image allows."""
    side = round(GRID * _CROP_SIDE)
    top, left = (_draw_start(int(indices.mean()), side, rng) for indices in np.nonzero(region))
    x_scale, y_scale = pil_image.width / GRID, pil_image.height / GRID
    box = (left * x_scale, top * y_scale, (left + side) * x_scale, (top + side) * y_scale)
    pixels = np.asarray(pil_image.resize((size, size), _FILTER, box=box))
    return Crop(image, pixels, region[top : top + side, left : left + side])


def _draw_start(middle: int, side: int, rng: np.random.Generator) -> int:
    """Draw the first row, or column, of a crop in which `middle` lies between 15 and 30 % from one of its ends."""
    position = rng.uniform(0.15, 0.3) if rng.random() < 0.5 else rng.uniform(0.7, 0.85)
    return int(np.clip(round(middle - position * side), 0, GRID - side))


def _measure(title: str, crops: Sequence[Crop], evidence: npt.NDArray[np.floating]) -> PointingResult:
    pairs = list(zip(crops, evidence, strict=True))
    peak = np.array([_is_in_lesion(crop.lesion, *_find_peak(cells)) for crop, cells in pairs])
    centre = np.array([_is_in_lesion(crop.lesion, 0.5, 0.5) for crop in crops])
    inside = np.array([_evidence_share(crop.lesion, cells) for crop, cells in pairs])
    weights = draw_weights(np.zeros(len(crops), bool), [crop.image.group for crop in crops])

    def weighted_means(chunk: DrawWeights) -> dict[str, Floats]:
        values = {"peak": peak, "centre": centre, "gain": peak.astype(float) - centre, "inside": inside}
        return {name: chunk @ value / chunk.sum(axis=1) for name, value in values.items()}

    return PointingResult(
        title=title,
        crops=len(crops),
        lesion_share=float(np.mean([crop.lesion.mean() for crop in crops])),
        **metrics_with_intervals(weighted_means, weights),
    )


def _find_peak(cells: npt.NDArray[np.floating]) -> tuple[float, float]:
    """Middle of the cell with the strongest evidence for malignancy, as shares of height and width."""
    row, column = np.unravel_index(cells.argmax(), cells.shape)
    return (float(row) + 0.5) / cells.shape[0], (float(column) + 0.5) / cells.shape[1]


def _is_in_lesion(lesion: Flags, y: float, x: float) -> bool:
    return bool(lesion[int(y * lesion.shape[0]), int(x * lesion.shape[1])])


def _evidence_share(lesion: Flags, cells: npt.NDArray[np.floating]) -> float:
    """Share of the evidence for malignancy that lies in the lesion, if it is spread evenly over each cell."""
    lesion_shares = Image.fromarray(lesion.astype(np.float32)).resize(cells.shape[::-1], Image.Resampling.BOX)
    evidence = cells.clip(min=0)
    return float((evidence * np.asarray(lesion_shares)).sum() / max(float(evidence.sum()), 1e-12))
