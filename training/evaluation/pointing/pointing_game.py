"""The pointing game (Zhang et al., ECCV 2016): how often the strongest evidence lies in the lesion.

In images of lesions the lesion is in the middle, so any map that prefers the middle would be right. Therefore the game
uses crops with the lesion off the centre, and the baseline is the centre of the crop. The same crops show how well the
whole map covers the lesion, compared with a disc in the centre, and whether its peak stays when the crop is flipped.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from runtimes.base import PredictionBatch
from shared.images.thumbnail import make_thumbnail
from shared.model.artefact import Manifest, Metric
from training.data.image_cache import Pixels
from training.data.records.labelled_image import LabelledImage, Population
from training.evaluation.pointing.lesion_regions import GRID, Box, box_region, read_boxes, segment_lesion
from training.evaluation.pointing.map_quality import (
    average_over_flips,
    disc_auc,
    find_stable_peaks,
    has_outline,
    iterate_flips,
    pixel_auc,
)
from training.evaluation.result import AveragedMap, PointingResult
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
_COUNTED: Final = "Malignant and pre-malignant lesions"
_OTHERS: Final = "Other lesions"
_NOT_LOW: Final = "All lesions that are not called low"
_REGIONS: Final = {Population.PHONE: "phone, lesion boxes", Population.DERMATOSCOPE: "dermatoscope, simple masks"}
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

    The map is the evidence for malignancy. So each population is measured on lesions of a label that counts, on the
    others, and on all lesions whose probability is not below every low band.
    """
    boxes, results = read_boxes(images), []
    lowest_threshold = min(known.bands.low_below for known in manifest.populations)
    for population in Population:
        members = [image for image in images if image.population is population]
        is_counted = is_positive(Task.COUNTED, members)
        for lesions, flags in ((_COUNTED, is_counted), (_OTHERS, ~is_counted), (_NOT_LOW, is_counted | ~is_counted)):
            eligible = [image for image, flag in zip(members, flags, strict=True) if flag]
            crops = list(_draw_crops(eligible, boxes, manifest.picture.size, count))
            if not crops:
                continue
            predictions, durations = _predict_flips(graph, crops)
            is_not_low = score(Task.COUNTED, predictions[0].probabilities, manifest.labels) >= lowest_threshold
            is_used = is_not_low if lesions == _NOT_LOW else np.ones(len(crops), bool)
            if is_used.sum() >= _MIN_CROPS:
                used = [crop for crop, flag in zip(crops, is_used, strict=True) if flag]
                evidence = np.stack([predicted.evidence[is_used] for predicted in predictions])
                results.append(_measure(f"{lesions}, {_REGIONS[population]}", used, evidence, durations))
    return tuple(results)


def _predict_flips(graph: GraphPredictor, crops: Sequence[Crop]) -> tuple[list[PredictionBatch], list[float]]:
    """Predict the crops in all flips; also the seconds of each, after a prediction that prepares the graph."""
    predictions, durations = [], []
    graph.predict_each([crops[0].pixels])
    for pixels in iterate_flips(np.stack([crop.pixels for crop in crops])):
        started_at = time.perf_counter()
        predictions.append(graph.predict_each(pixels))
        durations.append(time.perf_counter() - started_at)
    return predictions, durations


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


def _measure(title: str, crops: Sequence[Crop], evidence: Floats, durations: Sequence[float]) -> PointingResult:
    """Measure the maps [4, n, rows, columns] of crops in all flips."""
    pairs = list(zip(crops, evidence[0], strict=True))
    peak = np.array([_is_in_lesion(crop.lesion, *_find_peak(cells)) for crop, cells in pairs])
    centre = np.array([_is_in_lesion(crop.lesion, 0.5, 0.5) for crop in crops])
    inside = np.array([_evidence_share(crop.lesion, cells) for crop, cells in pairs])
    is_outlined = np.array([has_outline(cells) for cells in evidence[0]])
    groups = np.array([crop.image.group for crop in crops])
    weights = draw_weights(np.zeros(len(crops), bool), groups.tolist())

    def weighted_means(chunk: DrawWeights) -> dict[str, Floats]:
        values = {"peak": peak, "centre": centre, "gain": peak.astype(float) - centre, "inside": inside}
        values["outlined"] = is_outlined
        return {name: chunk @ value / chunk.sum(axis=1) for name, value in values.items()}

    disc: Metric | None = None
    maps: tuple[AveragedMap, ...] = ()
    if is_outlined.sum() >= _MIN_CROPS:
        outlined = [crop.lesion for crop, flag in zip(crops, is_outlined, strict=True) if flag]
        disc = _mean([disc_auc(lesion) for lesion in outlined], groups[is_outlined])
        maps = tuple(
            _measure_map(views, average_over_flips(evidence, views), outlined, is_outlined, groups, durations)
            for views in (1, 2, 4)
        )
    return PointingResult(
        disc_auc=disc,
        maps=maps,
        title=title,
        crops=len(crops),
        lesion_share=float(np.mean([crop.lesion.mean() for crop in crops])),
        **metrics_with_intervals(weighted_means, weights),
    )


def _measure_map(
    views: int,
    maps: Floats,
    outlined: Sequence[Flags],
    is_outlined: Flags,
    groups: npt.NDArray[np.str_],
    durations: Sequence[float],
) -> AveragedMap:
    aucs = [pixel_auc(cells, lesion) for cells, lesion in zip(maps[0, is_outlined], outlined, strict=True)]
    return AveragedMap(
        views=views,
        auc=_mean(aucs, groups[is_outlined]),
        peak_stays=_mean(find_stable_peaks(maps), groups),
        cost=sum(durations[:views]) / durations[0],
    )


def _mean(values: Sequence[float] | Floats, groups: npt.NDArray[np.str_]) -> Metric:
    """Mean with its interval by whole lesions."""
    weights = draw_weights(np.zeros(len(values), bool), groups.tolist())
    return metrics_with_intervals(lambda chunk: {"mean": chunk @ np.asarray(values) / chunk.sum(axis=1)}, weights)[
        "mean"
    ]


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
