"""Made pictures and predictions, without files."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from shared.model.artefact import Manifest
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.records.labels import LABEL_NAMES
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.tasks import Task, is_positive
from training.metrics.bootstrap import Floats


def image(label: str, group: str = "", **more: object) -> LabelledImage:
    """A held-out dermatoscope picture of this label."""
    made = LabelledImage(
        path=Path(f"{group}.jpg"),
        label=LABEL_NAMES.index(label),
        source="made",
        population=Population.DERMATOSCOPE,
        group=group,
        split=Split.VALID,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def scored_set(images: list[LabelledImage], told: Floats, manifest: Manifest) -> ScoredSet:
    """Pictures to which the model gives the probabilities `told` [n] of melanoma, and the rest to moles."""
    names = [label.name for label in manifest.labels]
    probabilities = np.zeros((len(images), len(names)))
    probabilities[:, names.index("mel")] = told
    probabilities[:, names.index("nv")] = 1 - told
    kinds = np.tile([0.9, 0.1, 0.0], (len(images), 1))
    return ScoredSet("made", "Made", images[0].population, "", images, probabilities, kinds, None)


def calibrated(count: int, manifest: Manifest, seed: int = 1, **more: object) -> ScoredSet:
    """Lesions as likely to be melanomas as is told of them."""
    rng = np.random.default_rng(seed)
    told = rng.beta(0.5, 2, count)
    ill = rng.random(count) < told
    made = [image("mel" if is_ill else "nv", str(number), **more) for number, is_ill in enumerate(ill)]
    assert is_positive(Task.MELANOMA, made).sum() == ill.sum()
    return scored_set(made, told, manifest)
