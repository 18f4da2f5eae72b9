"""Makes images and scored sets without files."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from shared.model.artefact import Manifest
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.records.labels import LABEL_NAMES
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.tasks import Task, is_positive
from training.metrics.bootstrap import Floats


def make_image(label: str, group: str = "", **fields: object) -> LabelledImage:
    """A held-out dermatoscope image of this label."""
    image = LabelledImage(
        path=Path(f"{group}.jpg"),
        label=LABEL_NAMES.index(label),
        source="made",
        population=Population.DERMATOSCOPE,
        group=group,
        split=Split.VALID,
    )
    return replace(image, **fields)  # type: ignore[arg-type]


def make_scored_set(images: list[LabelledImage], melanoma: Floats, manifest: Manifest) -> ScoredSet:
    """Images with the probabilities `melanoma` [n]; the rest of each probability is a mole's."""
    names = [label.name for label in manifest.labels]
    probabilities = np.zeros((len(images), len(names)))
    probabilities[:, names.index("mel")] = melanoma
    probabilities[:, names.index("nv")] = 1 - melanoma
    kinds = np.tile([0.9, 0.1, 0.0], (len(images), 1))
    unknown = np.full(len(images), np.nan)
    return ScoredSet("made", "Made", images[0].population, "", images, probabilities, kinds, unknown)


def make_calibrated_set(count: int, manifest: Manifest, seed: int = 1, **fields: object) -> ScoredSet:
    """Lesions that are melanomas with exactly the probability that they get."""
    rng = np.random.default_rng(seed)
    melanoma = rng.beta(0.5, 2, count)
    is_melanoma = rng.random(count) < melanoma
    images = [make_image("mel" if flag else "nv", str(index), **fields) for index, flag in enumerate(is_melanoma)]
    assert is_positive(Task.MELANOMA, images).sum() == is_melanoma.sum()
    return make_scored_set(images, melanoma, manifest)
