"""Sets of images with the outputs of a model that was not trained on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from shared.model.artefact import Manifest, hash_file
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.errors import TrainingError
from training.exporting.out_of_fold import FILE_NAME, OutOfFoldTable, read_out_of_fold
from training.exporting.predictor import GraphPredictor
from training.metrics.bootstrap import Flags, Floats

_HELD_OUT = (
    "Held out of training by lesion. The epoch was chosen, and probabilities, bands and receipts were calibrated, on"
    " these pictures. So figures of calibration and of bands are too good; AUCs hardly are."
)
_TEST = "Held out of everything: nothing was chosen by these pictures. They are looked at once a release."
_OUT_OF_FOLD = (
    "Out of fold: each picture is judged by a model that was trained without its fold, and so without its patient. The"
    " artefact's own model was trained on all of these pictures."
)


@dataclass(frozen=True)
class ScoredSet:
    """n images of one population, and the model's outputs for them.

    Attributes:
        name: Name of the set in `evaluation.json`.
        title: Name of the set in the report.
        population: Population of all images.
        protocol: Sentences for the report: why the model was not trained on these images.
        images: The images.
        probabilities: Calibrated, [n, labels of the artefact].
        kinds: [n, kinds of the artefact].
        distance: Feature distance [n]; None if the distance was fitted to these images.
    """

    name: str
    title: str
    population: Population
    protocol: str
    images: Sequence[LabelledImage]
    probabilities: Floats
    kinds: Floats
    distance: Floats | None

    @property
    def groups(self) -> list[str]:
        """The patient or lesion of each image."""
        return [image.group for image in self.images]

    def select(self, rows: Flags) -> Self:
        """The same set with only the images whose flag in `rows` [n] is true."""
        return replace(
            self,
            images=[image for image, is_selected in zip(self.images, rows, strict=True) if is_selected],
            probabilities=self.probabilities[rows],
            kinds=self.kinds[rows],
            distance=None if self.distance is None else self.distance[rows],
        )


def score_held_out(
    images: Sequence[LabelledImage], graph: GraphPredictor, manifest: Manifest, *, split: Split
) -> tuple[ScoredSet, ...]:
    """Predict the images of `split` that have no fold with the artefact's graph; one set per population."""
    is_test = split is Split.TEST
    sets = []
    for population in Population:
        selected = [
            image for image in images if image.population is population and image.split is split and image.fold is None
        ]
        if selected:
            predicted = graph.predict_files([image.path for image in selected], manifest.picture)
            sets.append(
                ScoredSet(
                    name=f"{population}_{'test' if is_test else 'held_out'}",
                    title=f"{population.capitalize()}, {'test set' if is_test else 'held out'}",
                    population=population,
                    protocol=_TEST if is_test else _HELD_OUT,
                    images=selected,
                    probabilities=predicted.probabilities,
                    kinds=predicted.kinds,
                    distance=predicted.distance,
                )
            )
    return tuple(sets)


def read_out_of_fold_sets(
    images: Sequence[LabelledImage], directory: Path, manifest: Manifest
) -> tuple[ScoredSet, ...]:
    """Read the outputs for images with folds from the artefact's `out_of_fold.csv`; one set per population.

    Without that file there is no set: the artefact's graph was trained on these images, so it cannot be measured on
    them.

    Raises:
        TrainingError: The file has other labels or kinds than the artefact, lacks an image, or has it in another fold.
    """
    with_folds = [image for image in images if image.fold is not None]
    path = directory / FILE_NAME
    if not with_folds or not path.is_file():
        return ()
    table = read_out_of_fold(path)
    if table.labels != tuple(label.name for label in manifest.labels) or table.kind_names != manifest.kinds.names:
        raise TrainingError(f"{path} has other labels or kinds than the artefact's model.json.")
    sets = []
    for population in Population:
        selected = [image for image in with_folds if image.population is population]
        if selected:
            rows = _find_rows(selected, table, path)
            sets.append(
                ScoredSet(
                    name=f"{population}_out_of_fold",
                    title=f"{population.capitalize()}, out of fold",
                    population=population,
                    protocol=_OUT_OF_FOLD,
                    images=selected,
                    probabilities=table.probabilities[rows],
                    kinds=table.kinds[rows],
                    distance=None,
                )
            )
    return tuple(sets)


def _find_rows(images: Sequence[LabelledImage], table: OutOfFoldTable, path: Path) -> list[int]:
    row_by_sha256 = {sha256: row for row, sha256 in enumerate(table.image_sha256)}
    rows = []
    for image in images:
        row = row_by_sha256.get(hash_file(image.path).sha256)
        if row is None:
            raise TrainingError(f"{path} has no row for {image.path}: it was made from other data.")
        if table.folds[row] != image.fold:
            raise TrainingError(f"{path} has {image.path} in another fold than the data: it was made from other data.")
        rows.append(row)
    return rows
