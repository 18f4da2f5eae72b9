"""A model that learns: optimiser, learning rate, averaged weights; and its state, to go on after a stop."""

import keras
import numpy as np
import numpy.typing as npt

from training.fitting.inputs.targets import make_loss
from training.fitting.loop.checkpoint import Checkpoint
from training.fitting.recipe import Recipe
from training.model.precision import Precision
from training.model.weights import get_weights, set_weights, to_numpy

Floats = npt.NDArray[np.float32]


class Trainer:
    """Lets `model` learn by the recipe, one batch after the other, with any of Keras' backends."""

    def __init__(self, model: keras.Model, recipe: Recipe) -> None:
        self._model = model
        self._recipe = recipe
        # Named, because the checkpoint knows its variables by it.
        self._optimizer = keras.optimizers.AdamW(
            self.learning_rate_schedule(recipe),
            weight_decay=recipe.decay,
            use_ema=recipe.average > 0,
            ema_momentum=recipe.average or None,
            name="adam_w",
        )
        self._optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        if recipe.precision is Precision.FLOAT16:
            self._optimizer = keras.optimizers.LossScaleOptimizer(self._optimizer, name="loss_scale")
        self._logits_model = keras.Model(model.input, model.outputs[0])
        self._logits_model.compile(self._optimizer, make_loss(recipe.focal), jit_compile=model.jit_compile)
        self._optimizer.build(self._logits_model.trainable_variables)

    def train_on_batch(self, images: Floats, targets: Floats) -> float:
        """Learn from pictures [n, size, size, 3] and targets [n, populations, labels]; the loss before it."""
        return float(self._logits_model.train_on_batch(images, targets))

    def create_checkpoint(self, epochs: int) -> Checkpoint:
        """Where learning stands after `epochs` epochs."""
        weights = get_weights(self._model)
        state = {name: to_numpy(variable) for name, variable in self._state_variables().items()}
        # Keras averages what is trained; statistics are averages already.
        self._optimizer.finalize_variable_values(self._logits_model.trainable_variables)
        average = get_weights(self._model)
        set_weights(self._model, weights)
        return Checkpoint(recipe=self._recipe, epochs=epochs, weights=weights, average=average, state=state)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on where the checkpoint stands. Raises `KeyError` or `ValueError` where it is another model's."""
        set_weights(self._model, checkpoint.weights)
        for name, variable in self._state_variables().items():
            variable.assign(checkpoint.state[name])

    def _state_variables(self) -> dict[str, keras.Variable]:
        """What learning goes on with beside the weights: the optimiser's variables, states of random numbers."""
        random = [variable for variable in self._model.variables if "seed" in variable.path]
        # Keras numbers the random ones anew for each model of a process.
        numbered = {f"random/{number}": variable for number, variable in enumerate(random)}
        return {variable.path: variable for variable in self._optimizer.variables} | numbered

    @staticmethod
    def learning_rate_schedule(recipe: Recipe) -> keras.optimizers.schedules.LearningRateSchedule:
        """A linear warm-up, then half a cosine to 0, or none."""
        total = recipe.steps_per_epoch * recipe.epochs
        warm = round(total * recipe.warm_up)
        return keras.optimizers.schedules.CosineDecay(
            0.0,
            max(1, total - warm),
            alpha=0.0 if recipe.cosine else 1.0,
            warmup_target=recipe.rate,
            warmup_steps=max(1, warm),
        )
