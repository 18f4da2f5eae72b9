"""The scripted predictor tells images, rows and outputs apart, so that tests with it notice a confusion."""

import numpy as np

from shared.images.decode import decode
from shared.model.artefact import Manifest
from shared.model.decision_rules import select_kind
from tests.worker.items import make_distinct_jpegs, make_jpeg
from tests.worker.scripted_predictor import ScriptedPredictor


def test_answers_have_the_shape_of_the_artefact(predictor: ScriptedPredictor, manifest: Manifest) -> None:
    size = manifest.picture.size
    answer = predictor.predict(np.zeros((5, size, size, 3), np.uint8))
    assert answer.probabilities.shape == (5, 8) == (5, len(manifest.labels))
    assert answer.kinds.shape == (5, 3) == (5, len(manifest.kinds.names))
    assert answer.distance.shape == (5,)
    assert answer.evidence.shape == (5, 7, 7)
    outputs = (answer.probabilities, answer.kinds, answer.distance, answer.evidence)
    assert {output.dtype for output in outputs} == {np.dtype(np.float32)}


def test_every_output_differs_between_images_and_is_the_same_alone_and_in_a_batch(
    predictor: ScriptedPredictor, manifest: Manifest
) -> None:
    images = np.stack([decode(data, manifest.picture).pixels for data in make_distinct_jpegs(216)])
    batch = predictor.answer(images)
    for name in ("probabilities", "evidence", "distance", "kinds"):
        rows = getattr(batch, name)
        assert len({row.tobytes() for row in rows}) == len(images), name
        for index, row in enumerate(rows):
            np.testing.assert_array_equal(row, getattr(predictor.answer(images[index : index + 1]), name)[0])
    assert np.allclose(batch.probabilities.sum(axis=1), 1)
    assert np.allclose(batch.kinds.sum(axis=1), 1)
    assert batch.distance.min() > 0
    assert batch.distance.max() < min(population.max_distance for population in manifest.populations)


def test_colours_choose_the_kind(predictor: ScriptedPredictor, manifest: Manifest) -> None:
    def kind_of(colour: str) -> str | None:
        answer = predictor.answer(decode(make_jpeg(colour), manifest.picture).pixels[None])
        return select_kind(answer.kinds[0], manifest)

    assert kind_of("red") == "dermatoscope"
    assert kind_of("green") == "phone"
    assert kind_of("blue") is None
