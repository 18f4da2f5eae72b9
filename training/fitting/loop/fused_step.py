"""Augmentation, teacher, gradient and optimizer as one function, which JAX compiles once for each size of images.

Only the images and the parameters of their augmentation go to the device, and only a loss comes back, when it is asked
for: the device need not wait for Python between two steps.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import keras

from training.fitting.drawing.augmenter import Augmenter
from training.fitting.drawing.parameters import Parameters
from training.fitting.inputs.targets import Floats, make_loss
from training.fitting.loop.distillation import Teacher

#: JAX' arrays, and trees of them.
Tensor = Any

#: Steps that the device may be behind Python. More would only delay the first loss that is no number.
MAX_PENDING: Final = 8


class FusedStep:
    """Trains a model with an optimizer that is built for it. Variables change when `sync` is called.

    Args:
        model: From images to logits [n, populations, outputs].
        optimizer: Built for the trainable variables of `model`; it must not scale the loss.
        focal: Exponent of the focal loss.
        augmenter: Augmentation of the images.
        teacher: Teacher for distillation.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        focal: float,
        augmenter: Augmenter,
        teacher: Teacher | None = None,
    ) -> None:
        self._model, self._optimizer, self._teacher = model, optimizer, teacher
        self._loss, self._augmenter = make_loss(focal), augmenter
        self._state: Tensor | None = None
        self._pending: deque[Tensor] = deque()
        self._step: Any = jax.jit(self._train, static_argnames="size", donate_argnums=0)

    @property
    def compilations(self) -> int:
        """Number of compiled functions: one for each size of images and number of images."""
        return int(self._step._cache_size())  # noqa: SLF001 - JAX has no other way to ask

    def train_on_batch(self, pixels: Tensor, parameters: Parameters, targets: Floats, size: int) -> Iterator[float]:
        """Augment images uint8 [n, side, side, 3] to `size` and train on them.

        Yields:
            Mean losses of earlier steps that were waited for, at most one.
        """
        if self._state is None:
            self._state = self.read_state()
        self._state, loss = self._step(self._state, self._constants(size), pixels, parameters, targets, size=size)
        self._pending.append(loss)
        if len(self._pending) > MAX_PENDING:
            yield float(self._pending.popleft())

    def sync(self) -> Iterator[float]:
        """Write the state of the last step into the variables. Yields the losses that are still awaited."""
        while self._pending:
            yield float(self._pending.popleft())
        if self._state is not None:
            for variables, values in zip(self._variables(), self._state, strict=True):
                for variable, value in zip(variables, values, strict=True):
                    variable.assign(value)
            self._state = None

    def augment(self, stock: Tensor, pixels: Tensor, parameters: Parameters, size: int) -> Tensor:
        """Augment images uint8 [n, side, side, 3] to [n, size, size, 3], within a compiled function."""
        inputs = {"pixels": pixels, **parameters}
        images, _ = self._augmenter.layer(size).stateless_call([], [stock], inputs)
        return jnp.asarray(images, jnp.float32)

    def update(self, state: Tensor, teachers: Tensor, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Update the state by images [n, size, size, 3], within a compiled function. Returns it and the mean loss."""
        trainable, others, optimizer = state
        if self._teacher is not None:
            targets = self._teacher.mix_targets_of(teachers, targets, images)

        def compute_loss(values: Tensor) -> tuple[Tensor, Tensor]:
            logits, changed = self._model.stateless_call(values, others, images, training=True)
            return jnp.mean(self._loss(targets, logits)), changed

        (loss, others), gradients = jax.value_and_grad(compute_loss, has_aux=True)(trainable)
        trainable, optimizer = self._optimizer.stateless_apply(optimizer, gradients, trainable)
        return (trainable, others, optimizer), loss

    def _train(
        self, state: Tensor, constants: Tensor, pixels: Tensor, parameters: Parameters, targets: Tensor, *, size: int
    ) -> tuple[Tensor, Tensor]:
        stock, teachers = constants
        return self.update(state, teachers, self.augment(stock, pixels, parameters, size), targets)

    def _constants(self, size: int) -> Tensor:
        """Arrays that do not change: as arguments they are not compiled into the function."""
        return self._augmenter.layer(size).stock_value, () if self._teacher is None else self._teacher.values()

    def _variables(self) -> tuple[Sequence[keras.Variable], ...]:
        model = self._model
        return model.trainable_variables, model.non_trainable_variables, self._optimizer.variables

    def read_state(self) -> Tensor:
        """Copy the values of the variables: trainable ones, others, and those of the optimizer."""
        # Each step gives its state away, so the variables keep a copy until `sync`.
        return tuple([jnp.array(variable.value, copy=True) for variable in part] for part in self._variables())
