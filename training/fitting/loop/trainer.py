"""The trainer: optimizer, learning rate schedule, moving average of the weights, and their state."""

import keras
import numpy as np
import numpy.typing as npt

from training.data.image_cache import Pixels
from training.fitting.inputs.targets import make_loss
from training.fitting.lineage import Lineage
from training.fitting.loop.checkpoint import Checkpoint
from training.fitting.recipe import Recipe
from training.model.precision import Precision
from training.model.weights import get_weights, set_weights, to_numpy

Floats = npt.NDArray[np.float32]


class Trainer:
    """Trains a model by a recipe, batch by batch, with any backend of Keras."""

    def __init__(self, model: keras.Model, recipe: Recipe, lineage: Lineage | None = None) -> None:
        self._lineage = lineage
        self._model = model
        self._recipe = recipe
        # The checkpoint identifies the optimizer's variables by this name.
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

    @property
    def logits_model(self) -> keras.Model:
        """The model in training, from images to logits."""
        return self._logits_model

    @property
    def optimizer(self) -> keras.optimizers.Optimizer:
        """The optimizer, built for the model."""
        return self._optimizer

    def train_on_batch(self, images: Floats | Pixels, targets: Floats) -> float:
        """Train on images [n, size, size, 3] and targets [n, populations, labels]. Returns the loss before the step."""
        return float(self._logits_model.train_on_batch(images, targets))

    def create_checkpoint(self, epochs: int) -> Checkpoint:
        """Create the checkpoint after `epochs` complete epochs."""
        weights = get_weights(self._model)
        state = {name: to_numpy(variable) for name, variable in self._state_variables().items()}
        # Keras averages the trainable variables; the statistics of the normalisation are averages already.
        self._optimizer.finalize_variable_values(self._logits_model.trainable_variables)
        average = get_weights(self._model)
        set_weights(self._model, weights)
        return Checkpoint(
            recipe=self._recipe, epochs=epochs, weights=weights, average=average, state=state, lineage=self._lineage
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restore a checkpoint. Raises `KeyError` or `ValueError` if it belongs to another model."""
        set_weights(self._model, checkpoint.weights)
        for name, variable in self._state_variables().items():
            variable.assign(checkpoint.state[name])

    def _state_variables(self) -> dict[str, keras.Variable]:
        """Variables of the optimizer and of the random generators, which a checkpoint holds beside the weights."""
        random = [variable for variable in self._model.variables if "seed" in variable.path]
        # Keras' own names of the random generators differ between the models of one process.
        numbered = {f"random/{number}": variable for number, variable in enumerate(random)}
        return {variable.path: variable for variable in self._optimizer.variables} | numbered

    @staticmethod
    def learning_rate_schedule(recipe: Recipe) -> keras.optimizers.schedules.LearningRateSchedule:
        """Create the schedule: a linear warm-up, then a cosine decay to 0 or a constant rate."""
        total_steps = recipe.steps_per_epoch * recipe.epochs
        warmup_steps = round(total_steps * recipe.warm_up)
        return keras.optimizers.schedules.CosineDecay(
            0.0,
            max(1, total_steps - warmup_steps),
            alpha=0.0 if recipe.cosine else 1.0,
            warmup_target=recipe.rate,
            warmup_steps=max(1, warmup_steps),
        )
