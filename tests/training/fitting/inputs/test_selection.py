"""Selection of the images to train on and validate on, and their targets."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.sources import ISIC2017, PAD_UFES_20
from training.fitting.inputs.selection import draw_epoch_indices, is_trained_on, is_validated_on
from training.fitting.inputs.targets import make_targets
from training.fitting.recipe import Recipe

SKIN = LabelledImage(Path("skin"), 0, ISIC2017, Population.DERMATOSCOPE, "lesion", Split.TRAIN)
PHONE = LabelledImage(Path("phone"), 1, PAD_UFES_20, Population.PHONE, "patient", Split.TRAIN, fold=2)


def test_left_out_fold_is_validated_on_and_not_trained_on() -> None:
    for fold, is_trained in ((None, True), (1, True), (2, False)):
        recipe = Recipe(fold=fold)
        assert is_trained_on(PHONE, recipe) is is_trained
        assert is_validated_on(PHONE, recipe) is not is_trained
        assert is_trained_on(SKIN, recipe)


def test_test_set_is_neither_trained_nor_validated_on() -> None:
    test_image = replace(SKIN, split=Split.TEST)
    assert not is_trained_on(test_image, Recipe())
    assert not is_validated_on(test_image, Recipe())


def test_epoch_has_the_phone_share_and_no_image_of_the_left_out_fold() -> None:
    images = [SKIN] * 50 + [PHONE] * 10 + [replace(PHONE, fold=1)] * 5
    indices = draw_epoch_indices(images, Recipe(pictures=320, batch=32, phone_share=0.25, fold=2), epoch=3)
    assert len(indices) == 320
    assert (indices >= 60).sum() == 80
    assert (indices < 50).sum() == 240


def test_unbalanced_epoch_draws_each_image_once() -> None:
    indices = draw_epoch_indices([SKIN] * 50 + [PHONE] * 14, Recipe(pictures=64, batch=64, balanced=False), epoch=0)
    assert np.array_equal(np.sort(indices), np.arange(64))


def test_class_weights_give_all_labels_the_same_total_weight() -> None:
    images = [replace(SKIN, label=0)] * 30 + [replace(SKIN, label=5)] * 10
    targets = make_targets(images, Recipe(class_weights=True, smoothing=0.0))
    assert np.allclose(targets[:, 0].sum(axis=0)[[0, 5]], 20)
    assert not targets[:, 1].any()
