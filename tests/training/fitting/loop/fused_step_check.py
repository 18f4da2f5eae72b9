"""Trains the small backbone by JAX, in one compiled function and in parts, and prints both as JSON.

A test runs this in a process of its own, as the backend of Keras is chosen when it is imported. The argument is a JSON
object of fields of the recipe.
"""

import json
import sys

import keras
import numpy as np

from tests.training.fitting.tiny_run import RECIPE, SIDE, make_tiny_images
from tests.training.model.small_model import SMALL
from training.data.records.labelled_image import Population
from training.fitting.inputs.batches import generate_batches, generate_raw_batches, make_augmenter
from training.fitting.inputs.targets import make_targets
from training.fitting.loop.distillation import Teacher
from training.fitting.loop.fused_step import FusedStep
from training.fitting.loop.trainer import Trainer
from training.fitting.recipe import Recipe
from training.model.classifier import build_classifier
from training.model.weights import get_weights

STEPS = 12


def main() -> None:
    """Print the losses and the largest difference of a weight, and how often the function was compiled."""
    fields = {"sources": ("synthetic",), "drawn": True, "batch": 8, "rate": 1e-3, "distil": 0.5}
    recipe = Recipe.model_validate({**RECIPE.model_dump(), **fields, **json.loads(sys.argv[1])})
    images, pixels = make_tiny_images()
    targets = make_targets(images, recipe)
    order = np.arange(STEPS * recipe.batch) % len(images)
    outputs = recipe.task.output_count
    keras.utils.set_random_seed(3)
    teacher = Teacher([build_classifier(SMALL, outputs)] * 2, recipe.distil, [Population.DERMATOSCOPE])

    def make_trainer() -> tuple[keras.Model, Trainer]:
        keras.utils.set_random_seed(1)
        model = build_classifier(SMALL, outputs, dropout=0.0, precision=recipe.precision, depthwise=recipe.depthwise)
        return model, Trainer(model, recipe)

    model, trainer = make_trainer()
    step = FusedStep(trainer.logits_model, trainer.optimizer, recipe.focal, make_augmenter(pixels.shape[1]), teacher)
    fused = []
    for batch, parameters, indices in generate_raw_batches(pixels, order, recipe, 0):
        fused += list(step.train_on_batch(batch, parameters, targets[indices], SIDE))
    fused += list(step.sync())
    weights, average = get_weights(model), trainer.create_checkpoint(1).average

    model, trainer = make_trainer()
    in_parts = [
        trainer.train_on_batch(batch, teacher.mix_targets(targets[indices], batch))
        for batch, indices in generate_batches(pixels, order, recipe, 0)
    ]
    checkpoint = trainer.create_checkpoint(1)
    differences = {
        "weights": max(float(np.abs(weights[name] - values).max()) for name, values in get_weights(model).items()),
        "average": max(float(np.abs(average[name] - values).max()) for name, values in checkpoint.average.items()),
    }
    print(json.dumps({"in_parts": in_parts, "fused": fused, "compilations": step.compilations, **differences}))


if __name__ == "__main__":
    main()
