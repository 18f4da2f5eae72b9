"""The registered runtimes give the answers of the reference runtime: nobody gets another band from another worker."""

from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from runtimes.base import FLOAT32
from runtimes.factory import RUNTIMES, load_predictor
from shared.model.artefact import Manifest
from tests.runtimes.images import ARTEFACT

pytestmark = pytest.mark.slow

OTHERS: Final = [name for name in RUNTIMES if name != "tensorflow"]

#: On CPUs JAX needs a hundred times as long as OpenVINO, so it gets few of the images.
STEPS: Final = {"jax": 8}

#: Largest difference of a probability. Two float32 implementations add in another order.
TOLERANCE: Final = 1e-4


@pytest.mark.parametrize("name", OTHERS)
def test_runtime_gives_the_answers_of_the_reference(name: str, manifest: Manifest, images: NDArray[np.uint8]) -> None:
    images = images[:: STEPS.get(name, 1)]
    reference = load_predictor(ARTEFACT, manifest, runtime="tensorflow", device="CPU:0").predict(images)
    predictor = load_predictor(ARTEFACT, manifest, runtime=name, device="CPU:0", precision=FLOAT32)
    batch = predictor.predict(images)
    assert reference.probabilities.std(axis=0).max() > 0.05, "images that all get the same answer show nothing"
    np.testing.assert_allclose(batch.probabilities, reference.probabilities, atol=TOLERANCE)
    np.testing.assert_allclose(batch.kinds, reference.kinds, atol=TOLERANCE)
    np.testing.assert_allclose(batch.distance, reference.distance, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(batch.evidence, reference.evidence, atol=1e-3)


@pytest.mark.parametrize("name", OTHERS)
def test_answers_depend_neither_on_the_batch_nor_on_the_next_call(
    name: str, manifest: Manifest, images: NDArray[np.uint8]
) -> None:
    images = images[:: STEPS.get(name, 1)]
    predictor = load_predictor(ARTEFACT, manifest, runtime=name, device="CPU:0", precision=FLOAT32)
    batch = predictor.predict(images)
    kept = batch.probabilities.copy()
    alone = np.concatenate([predictor.predict(images[index : index + 1]).probabilities for index in range(5)])
    np.testing.assert_array_equal(batch.probabilities, kept)
    np.testing.assert_allclose(alone, kept[:5], atol=TOLERANCE)
