"""Selects rendered images as known answers of an artefact."""

import io
from collections import Counter
from typing import Final

import numpy as np
from PIL import Image

from runtimes.base import PredictionBatch
from runtimes.known_answers import KnownAnswers, decide_row
from runtimes.uncertain_rows import find_uncertain_rows
from samples.lesions import render_lesion
from samples.scenes import SCENES
from shared.images.decode import decode
from shared.model.artefact import Manifest
from training.data.image_cache import Pixels
from training.exporting.predictor import GraphPredictor

_COUNT: Final = 6
_CANDIDATES: Final = 48
_SEED: Final = 19
#: Width and height of the rendered images.
_SIZE: Final = (480, 360)


def select_known_answers(reference: GraphPredictor, manifest: Manifest) -> KnownAnswers:
    """Render images, and select a few that get as many different answers as possible.

    An image so close to a threshold that correct runtimes may differ is not selected. Nobody's photograph is used.
    """
    images = _render_images(manifest)
    outputs = reference.predict_each(images)
    answers = [_describe_answer(outputs, row, manifest) for row in range(len(images))]
    certain = [row for row, uncertain in enumerate(find_uncertain_rows(outputs, manifest)) if not uncertain]
    rows = certain or list(range(len(images)))
    selected: list[int] = []
    while rows and len(selected) < _COUNT:
        counts = Counter(answers[row] for row in selected)
        selected.append(min(rows, key=lambda row: counts[answers[row]]))
        rows.remove(selected[-1])
    chosen = sorted(selected)
    return KnownAnswers(
        images[chosen],
        PredictionBatch(
            outputs.probabilities[chosen], outputs.evidence[chosen], outputs.distance[chosen], outputs.kinds[chosen]
        ),
    )


def _describe_answer(outputs: PredictionBatch, row: int, manifest: Manifest) -> tuple[int, str | None]:
    return int(outputs.kinds[row].argmax()), decide_row(outputs, row, manifest)


def _render_images(manifest: Manifest) -> Pixels:
    rng = np.random.default_rng(_SEED)
    rendered = [scene(rng, *_SIZE) for scene in SCENES.values()]
    rendered += [render_lesion(rng, *_SIZE) for _ in range(_CANDIDATES - len(rendered))]
    return np.stack([decode(_encode(image), manifest.picture).pixels for image in rendered])


def _encode(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return buffer.getvalue()
