"""The recipes of the project, and the errors of invalid ones."""

from pathlib import Path

import numpy as np
import pytest

from training.errors import TrainingError
from training.fitting.initial_weights import build_model, create_initialized_model
from training.fitting.loop.trainer import Trainer
from training.fitting.recipe import RECIPES, Recipe, read_recipe

NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))


def test_project_has_its_recipes() -> None:
    assert {"paper", "lite0", "lite2", "lite0_without_ham10000"} <= set(NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_model_of_each_recipe_can_be_built(name: str) -> None:
    recipe = read_recipe(name, {})
    model = build_model(recipe)
    Trainer(model, recipe)
    logits, features, middle = model.output_shape
    assert logits == (None, 2, recipe.task.output_count)
    assert features[-1] in (1280, 2048)
    assert middle[-1] > 0


@pytest.mark.slow
def test_paper_recipe_trains_only_the_last_layers() -> None:
    model = create_initialized_model(read_recipe("paper", {"start": "nothing"}), None)
    trained = {variable.path.split("/")[0] for variable in model.trainable_variables}
    assert {"conv5_block1_1_conv", "dense", "head_dermatoscope"} <= trained
    assert not any(name.startswith(("conv1", "conv2", "conv3", "conv4")) for name in trained)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("epochs = 0", "epochs: Input should be greater than or equal to 1"),
        ("epoch = 3", "epoch: Extra inputs are not permitted"),
        ('backbone = "lite9"', "backbone: Input should be 'lite0'"),
        ("class_weights = true\nfocal = 2.0", "class_weights and focal both compensate for rare labels: choose one"),
        ('backbone = "resnet50"\nfrozen_norm = true', "frozen_norm is not for resnet50: use train_from"),
        ('populations = ["dermatoscope"]\nphone_share = 0.2', "phone_share needs phone among the populations"),
        ('sources = ["isic2017"]\nfold = 1', "fold needs pad_ufes_20 among the sources"),
        ("epochs = ", "is not TOML"),
    ],
)
def test_invalid_recipe_gives_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(TrainingError) as raised:
        read_recipe(str(path), {})
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_sizes_grow_and_the_learning_rate_rises_and_falls() -> None:
    recipe = Recipe(epochs=5, pictures=320, batch=32, sizes=(64, 96), rate=1.0, warm_up=0.1)
    assert [recipe.image_size(epoch) for epoch in range(5)] == [64, 64, 64, 96, 96]
    assert (recipe.serving_spec.size, recipe.training_spec.size) == (96, 109)
    rates = [float(Trainer.learning_rate_schedule(recipe)(step)) for step in range(recipe.steps_per_epoch * 5)]
    assert max(rates) == rates[5] == 1
    assert rates[0] < 0.2
    assert rates[-1] < 0.01
    assert rates[5:] == sorted(rates[5:], reverse=True)


def test_constant_learning_rate_stays_constant() -> None:
    recipe = Recipe(epochs=2, pictures=320, warm_up=0.0, cosine=False, rate=1.0)
    assert np.allclose([float(Trainer.learning_rate_schedule(recipe)(step)) for step in range(1, 20)], 1.0)


def test_recipe_is_written_in_a_stable_order() -> None:
    """A set of strings has another order in each process."""
    changes = read_recipe("lite0", {}).model_dump(mode="json")["changes"]
    assert len(changes) > 5
    assert changes == sorted(changes)
