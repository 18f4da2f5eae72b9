"""Cross-fitting with models whose outputs are the colours of an image."""

from pathlib import Path

import numpy as np
import pytest

from training.calibration.kinds import DERMATOSCOPE, KINDS, NO_LESION, PHONE
from training.calibration.temperature_scaling import TemperatureScaling
from training.data.image_cache import Pixels
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.records.labels import LABELS
from training.data.sources import PhoneImage, PhoneSubject
from training.exporting.calibration_inputs.cross_fitting import (
    BackgroundImages,
    OutOfFoldOutputs,
    predict_out_of_fold,
)

RED, GREEN, BLUE = ((200, 40, 40), (40, 200, 40), (40, 40, 200))


class ColourModel:
    """A model whose feature maps are an image's colours, and whose logits are its own number for either population."""

    def __init__(self, number: float) -> None:
        self._number = number

    def predict_on_batch(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        colours = images.mean(axis=(1, 2)) / 255
        logits = np.zeros((len(images), 2, len(LABELS)), np.float32)
        logits[:, 0, 0], logits[:, 1, 0] = self._number, -self._number
        return logits, np.tile(colours[:, None, None], (1, 2, 2, 1)), colours


def make_pixels(*colours: tuple[int, int, int], count: int = 12) -> Pixels:
    noise = np.random.default_rng(1).integers(-9, 10, (len(colours) * count, 16, 16, 3))
    return (np.repeat(colours, count, axis=0)[:, None, None] + noise).astype(np.uint8)


@pytest.fixture(scope="module")
def outputs() -> tuple[OutOfFoldOutputs, OutOfFoldOutputs]:
    """Twelve phone lesions, of which the last two look like dermatoscope images, and four patches of skin."""
    pixels = make_pixels(RED)
    pixels[10:] = make_pixels(GREEN)[:2]
    images = [
        LabelledImage(Path(f"{row}.jpg"), row % 4, "pad_ufes_20", Population.PHONE, str(row), Split.TRAIN, fold=row % 2)
        for row in range(12)
    ]
    skin = [PhoneImage(Path(f"s{row}.jpg"), "skin", PhoneSubject.SKIN, row % 2, is_held_out=False) for row in range(4)]
    skin_pixels = make_pixels(BLUE)[:4]
    background = BackgroundImages(
        np.concatenate((make_pixels(GREEN), skin_pixels)),
        [*[DERMATOSCOPE] * 12, *[NO_LESION] * 4],
        np.array([-1] * 12 + [0, 1, 0, 1]),
    )
    models = {0: ColourModel(1.0), 1: ColourModel(2.0)}
    predicted = predict_out_of_fold(models, images, pixels, skin, skin_pixels, background)
    return predicted.split(12)


def test_each_image_is_predicted_by_the_model_without_its_fold(
    outputs: tuple[OutOfFoldOutputs, OutOfFoldOutputs],
) -> None:
    lesions, skin = outputs
    assert lesions.logits[:, 0, 0].tolist() == [1.0, 2.0] * 6
    assert skin.logits[:, 0, 0].tolist() == [1.0, 2.0] * 2
    assert skin.folds.tolist() == [0, 1, 0, 1]
    assert (skin.kinds.argmax(axis=1) == KINDS.names.index(NO_LESION)).all()


def test_lesion_that_is_taken_for_another_population_gets_the_answer_of_its_head(
    outputs: tuple[OutOfFoldOutputs, OutOfFoldOutputs],
) -> None:
    lesions, _ = outputs
    assert lesions.heads.tolist() == [KINDS.names.index(PHONE)] * 10 + [KINDS.names.index(DERMATOSCOPE)] * 2
    scaling = TemperatureScaling(2.0, np.zeros(len(LABELS)))
    calibrated = lesions.calibrate(np.array([row % 4 for row in range(12)]), scaling)
    assert calibrated.probabilities[10:] == pytest.approx(scaling.probabilities(lesions.logits[10:, 0]))
    assert calibrated.probabilities[:10] != pytest.approx(scaling.probabilities(lesions.logits[:10, 0]), abs=0.01)
    assert calibrated.distance.tolist() == [*lesions.distance[:10, 1], *lesions.distance[10:, 0]]
