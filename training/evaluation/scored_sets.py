"""Sets of images with the outputs of a model that was not trained on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from shared.model.artefact import Manifest
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.sources import is_chosen_by_diagnosis
from training.errors import TrainingError
from training.exporting.out_of_fold import FILE_NAME, OutOfFoldTable, read_out_of_fold
from training.exporting.predictor import GraphPredictor
from training.metrics.bootstrap import Flags, Floats

_HELD_OUT = (
    "Held out of training by lesion. No epoch was chosen: the last one is taken. But recipes were chosen, and"
    " probabilities, bands and receipts calibrated, on these pictures. So figures of calibration and of bands are too"
    " good; AUCs hardly are."
)
_CHOSEN = (
    "Held out of training by lesion, from sources whose lesions were chosen by their diagnosis. The shares of malignant"
    " lesions are those of no clinic: AUCs can be compared, calibration and receipts cannot."
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
        distance: Feature distance [n]; nan where it is not known.
        is_by_graph: The outputs are those of the artefact's own graph.
    """

    name: str
    title: str
    population: Population
    protocol: str
    images: Sequence[LabelledImage]
    probabilities: Floats
    kinds: Floats
    distance: Floats
    is_by_graph: bool = True

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
            distance=self.distance[rows],
        )


def score_held_out(
    images: Sequence[LabelledImage], graph: GraphPredictor, manifest: Manifest, *, split: Split
) -> tuple[ScoredSet, ...]:
    """Predict the images of `split` that have no fold with the artefact's graph.

    Returns:
        One set per population, and one more for lesions of sources that chose them by their diagnosis.
    """
    is_test = split is Split.TEST
    sets = []
    for population, is_chosen in product(Population, (False, True)):
        selected = [
            image
            for image in images
            if image.population is population
            and image.split is split
            and image.fold is None
            and is_chosen_by_diagnosis(image.source) is is_chosen
        ]
        if selected:
            name = "test" if is_test else "chosen_by_diagnosis" if is_chosen else "held_out"
            title = "test set" if is_test else "held out, chosen by diagnosis" if is_chosen else "held out"
            predicted = graph.predict_files([image.path for image in selected], manifest.picture)
            sets.append(
                ScoredSet(
                    name=f"{population}_{name}",
                    title=f"{population.capitalize()}, {title}",
                    population=population,
                    protocol=_TEST if is_test else _CHOSEN if is_chosen else _HELD_OUT,
                    images=selected,
                    probabilities=predicted.probabilities,
                    kinds=predicted.kinds,
                    distance=predicted.distance,
                )
            )
    return tuple(sets)


def make_out_of_fold_sets(
    images: Sequence[LabelledImage], table: OutOfFoldTable, manifest: Manifest
) -> tuple[ScoredSet, ...]:
    """Take the outputs for images with folds from the artefact's table; one set per population.

    The artefact's graph was trained on these images, so it cannot be measured on them. An image belongs to a row by its
    source and the name of its file; images without a row are left out. Folds are those of the table, as those of the
    data may have been drawn anew.
    """
    row_by_name = {name: row for row, name in enumerate(table.names)}
    sets = []
    for population in Population:
        selected = [
            replace(image, fold=int(table.folds[row_by_name[name]]))
            for image in images
            if image.population is population
            and image.fold is not None
            and (name := (image.source, image.path.stem)) in row_by_name
        ]
        if selected:
            rows = np.array([row_by_name[image.source, image.path.stem] for image in selected])
            sets.append(
                ScoredSet(
                    name=f"{population}_out_of_fold",
                    title=f"{population.capitalize()}, out of fold",
                    population=population,
                    protocol=f"{_OUT_OF_FOLD}{_describe_gaps(table, rows, manifest)}",
                    images=selected,
                    probabilities=table.probabilities[rows],
                    kinds=table.kinds[rows],
                    distance=table.distance[rows],
                    is_by_graph=False,
                )
            )
    return tuple(sets)


def read_matching_table(directory: Path, manifest: Manifest) -> OutOfFoldTable | None:
    """Read the artefact's `out_of_fold.csv`; None if it has none.

    Raises:
        TrainingError: The file has other labels or kinds than the artefact.
    """
    path = directory / FILE_NAME
    if not path.is_file():
        return None
    table = read_out_of_fold(path)
    if table.labels != tuple(label.name for label in manifest.labels) or table.kind_names != manifest.kinds.names:
        raise TrainingError(f"{path} has other labels or kinds than the artefact's model.json.")
    return table


def _describe_gaps(table: OutOfFoldTable, rows: npt.NDArray[np.int64], manifest: Manifest) -> str:
    """Write what the table does not know of the answers that would be served."""
    lesion_kinds = [name for name in table.kind_names if name != manifest.kinds.no_lesion]
    columns = [table.kind_names.index(name) for name in lesion_kinds]
    served = [lesion_kinds[column] for column in table.kinds[rows][:, columns].argmax(axis=1)]
    others = sum(table.heads[row] != head for row, head in zip(rows.tolist(), served, strict=True))
    unknown = int(np.isnan(table.distance[rows]).sum())
    sentences = ""
    if others:
        sentences += (
            f" {others} of {len(rows)} pictures are taken for another population, whose head would answer: this"
            " artefact kept no such answers, so the figures hold those of the head of their own population."
        )
    if unknown:
        sentences += f" How far {unknown} of them are from the training pictures is not known: they count as near."
    return sentences
