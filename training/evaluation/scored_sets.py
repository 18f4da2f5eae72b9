"""Sets of pictures with what the model says of them without having learned from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from shared.model.artefact import Manifest, hash_file
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.errors import TrainingError
from training.exporting.out_of_fold import FILE_NAME, OutOfFoldTable, read_out_of_fold
from training.exporting.predictor import GraphPredictor, Predicted
from training.metrics.bootstrap import Flags, Floats

_HELD_OUT = (
    "Held out of training by lesion. The epoch was chosen, and probabilities, bands and receipts were calibrated, on"
    " these pictures: figures of calibration and of bands flatter, AUCs hardly."
)
_TEST = "Held out of everything: nothing was chosen by these pictures. They are looked at once a release."
_OUT_OF_FOLD = (
    "Out of fold: each picture is judged by a model that has seen no picture of its fold, and so of its patient; the"
    " artefact's own model has learned from all of them."
)


@dataclass(frozen=True)
class ScoredSet:
    """Pictures of one population, n of them, and what was predicted of each."""

    name: str
    title: str
    population: Population
    #: How it comes that the model does not know them, for people.
    protocol: str
    images: Sequence[LabelledImage]
    #: Calibrated, [n, labels of the artefact].
    probabilities: Floats
    #: [n, kinds of the artefact].
    kinds: Floats
    #: Feature distance [n]; None where the pictures taught it.
    distance: Floats | None

    @property
    def groups(self) -> list[str]:
        """The patient or lesion of each picture."""
        return [image.group for image in self.images]

    def select(self, rows: Flags) -> Self:
        """The same set, of these pictures alone."""
        return type(self)(
            self.name,
            self.title,
            self.population,
            self.protocol,
            [image for image, kept in zip(self.images, rows, strict=True) if kept],
            self.probabilities[rows],
            self.kinds[rows],
            None if self.distance is None else self.distance[rows],
        )


def score_held_out(
    images: Sequence[LabelledImage], graph: GraphPredictor, manifest: Manifest, *, share: Split
) -> tuple[ScoredSet, ...]:
    """A set for each population that has pictures of `share`, predicted by the artefact's graph."""
    sets = []
    for population in Population:
        chosen = [one for one in images if one.population is population and one.split is share and one.fold is None]
        if chosen:
            found: Predicted = graph.predict_files([one.path for one in chosen], manifest.picture)
            tested = share is Split.TEST
            sets.append(
                ScoredSet(
                    name=f"{population}_{'test' if tested else 'held_out'}",
                    title=f"{_title(population)}, {'test set' if tested else 'held out'}",
                    population=population,
                    protocol=_TEST if tested else _HELD_OUT,
                    images=chosen,
                    probabilities=found.probabilities,
                    kinds=found.kinds,
                    distance=found.distance,
                )
            )
    return tuple(sets)


def read_out_of_fold_sets(
    images: Sequence[LabelledImage], directory: Path, manifest: Manifest
) -> tuple[ScoredSet, ...]:
    """A set for each population whose pictures have folds, from the artefact's `out_of_fold.csv`.

    None where the artefact has no such file: its graph has been trained on these pictures, so nothing is measured.
    Raises `TrainingError` where the file is of other labels, or lacks a picture or has it in another fold.
    """
    folded = [image for image in images if image.fold is not None]
    path = directory / FILE_NAME
    if not folded or not path.is_file():
        return ()
    table = read_out_of_fold(path)
    if table.labels != tuple(label.name for label in manifest.labels) or table.kind_names != manifest.kinds.names:
        raise TrainingError(f"{path} has other labels or kinds than the artefact's model.json.")
    sets = []
    for population in Population:
        chosen = [image for image in folded if image.population is population]
        if chosen:
            rows = _find_rows(chosen, table, path)
            sets.append(
                ScoredSet(
                    name=f"{population}_out_of_fold",
                    title=f"{_title(population)}, out of fold",
                    population=population,
                    protocol=_OUT_OF_FOLD,
                    images=chosen,
                    probabilities=table.probabilities[rows],
                    kinds=table.kinds[rows],
                    distance=None,
                )
            )
    return tuple(sets)


def _find_rows(images: Sequence[LabelledImage], table: OutOfFoldTable, path: Path) -> list[int]:
    places = {name: row for row, name in enumerate(table.image_sha256)}
    rows = []
    for image in images:
        row = places.get(hash_file(image.path).sha256)
        if row is None:
            raise TrainingError(f"{path} says nothing of {image.path}: it was made from other data.")
        if table.folds[row] != image.fold:
            raise TrainingError(f"{path} has {image.path} in another fold than the data: it was made from other data.")
        rows.append(row)
    return rows


def _title(population: Population) -> str:
    return "Dermatoscope" if population is Population.DERMATOSCOPE else "Phone"
