"""Who is learned from, and who is not."""

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


def test_a_fold_left_out_is_measured_on_and_not_learned_from() -> None:
    for fold, learned in ((None, True), (1, True), (2, False)):
        recipe = Recipe(fold=fold)
        assert is_trained_on(PHONE, recipe) is learned
        assert is_validated_on(PHONE, recipe) is not learned
        assert is_trained_on(SKIN, recipe)


def test_the_test_set_is_neither() -> None:
    tested = replace(SKIN, split=Split.TEST)
    assert not is_trained_on(tested, Recipe())
    assert not is_validated_on(tested, Recipe())


def test_an_epoch_has_the_wanted_share_of_phone_pictures_and_none_of_the_fold_left_out() -> None:
    images = [SKIN] * 50 + [PHONE] * 10 + [replace(PHONE, fold=1)] * 5
    shown = draw_epoch_indices(images, Recipe(pictures=320, batch=32, phone_share=0.25, fold=2), epoch=3)
    assert len(shown) == 320
    assert (shown >= 60).sum() == 80
    assert (shown < 50).sum() == 240


def test_a_natural_epoch_shows_each_picture_once() -> None:
    shown = draw_epoch_indices([SKIN] * 50 + [PHONE] * 14, Recipe(pictures=64, batch=64, balanced=False), epoch=0)
    assert np.array_equal(np.sort(shown), np.arange(64))


def test_class_weights_let_all_labels_weigh_the_same() -> None:
    images = [replace(SKIN, label=0)] * 30 + [replace(SKIN, label=5)] * 10
    targets = make_targets(images, Recipe(class_weights=True, smoothing=0.0))
    assert np.allclose(targets[:, 0].sum(axis=0)[[0, 5]], 20)
    assert not targets[:, 1].any()
