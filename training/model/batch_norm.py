"""Batch normalisation with statistics that can be frozen. With TensorFlow and PyTorch it is one fused kernel."""

import importlib
from typing import Any

import keras

#: Any backend's tensor.
Tensor = Any


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """`keras.layers.BatchNormalization` over the last of four axes.

    With `frozen`, training uses the moving statistics and does not change them; gain and bias still learn. This is for
    a model whose statistics are folded into its kernels, or one that sees too few images to estimate them.
    """

    def __init__(self, frozen: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.frozen = frozen

    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Tensor:
        """Normalise [n, h, w, c] by the statistics of the batch in training, else by the moving ones."""
        use_batch_statistics = bool(training) and self.trainable and not self.frozen
        if keras.backend.backend() == "tensorflow":
            return self._call_fused(inputs, use_batch_statistics)
        if keras.backend.backend() == "torch":
            return self._call_torch(inputs, use_batch_statistics)
        return super().call(inputs, training=use_batch_statistics, mask=mask)

    def _call_fused(self, inputs: Tensor, use_batch_statistics: bool) -> Tensor:
        """Normalise in one operation: Keras' dozen take more time on a CPU than all convolutions."""
        import tensorflow as tf

        def to_float32(variable: keras.Variable) -> tf.Tensor:
            # The kernel needs these in single precision, whatever the precision of the inputs.
            return tf.cast(variable, tf.float32)

        outputs = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=to_float32(self.gamma),
            offset=to_float32(self.beta),
            mean=tf.zeros([0]) if use_batch_statistics else to_float32(self.moving_mean),
            variance=tf.zeros([0]) if use_batch_statistics else to_float32(self.moving_variance),
            epsilon=self.epsilon,
            is_training=use_batch_statistics,
        )
        if use_batch_statistics:
            for moving, batch in ((self.moving_mean, outputs[1]), (self.moving_variance, outputs[2])):
                moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return outputs[0]

    def _call_torch(self, inputs: Tensor, use_batch_statistics: bool) -> Tensor:
        """Normalise in one operation, which also keeps the layout in memory."""
        # PyTorch need not be installed, so it is no import that a type checker could follow.
        functional = importlib.import_module("torch.nn.functional")
        # The variables themselves, not their copies in half precision: the statistics are updated in place.
        gamma, beta, mean, variance = (
            variable._value  # noqa: SLF001
            for variable in (self.gamma, self.beta, self.moving_mean, self.moving_variance)
        )
        outputs = functional.batch_norm(
            inputs.permute(0, 3, 1, 2),
            mean,
            variance,
            gamma,
            beta,
            use_batch_statistics,
            1 - self.momentum,
            self.epsilon,
        )
        return outputs.permute(0, 2, 3, 1)
