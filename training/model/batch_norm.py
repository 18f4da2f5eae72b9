"""Batch normalisation, whose statistics can be frozen; by one fused kernel where the backend is TensorFlow."""

from typing import Any

import keras

#: Any backend's tensor.
Tensor = Any


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """What `keras.layers.BatchNormalization` does over the last of four axes.

    With `frozen`, training goes by the running statistics too and leaves them as they are, while gain and bias
    still learn: for a model whose statistics are folded into its kernels, or which sees too little to renew them.
    """

    def __init__(self, frozen: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.frozen = frozen

    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Tensor:
        """Normalise [n, h, w, c]: by the batch in training, else by the running statistics."""
        use_batch_statistics = bool(training) and self.trainable and not self.frozen
        if keras.backend.backend() == "tensorflow":
            return self._call_fused(inputs, use_batch_statistics)
        return super().call(inputs, training=use_batch_statistics, mask=mask)

    def _call_fused(self, inputs: Tensor, use_batch_statistics: bool) -> Tensor:
        """In one operation: Keras composes it of a dozen, which take more time on a CPU than all convolutions."""
        import tensorflow as tf

        def whole(variable: keras.Variable) -> tf.Tensor:
            # The kernel wants these in single precision, whatever the pictures are in.
            return tf.cast(variable, tf.float32)

        outputs = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=whole(self.gamma),
            offset=whole(self.beta),
            mean=tf.zeros([0]) if use_batch_statistics else whole(self.moving_mean),
            variance=tf.zeros([0]) if use_batch_statistics else whole(self.moving_variance),
            epsilon=self.epsilon,
            is_training=use_batch_statistics,
        )
        if use_batch_statistics:
            for running, found in ((self.moving_mean, outputs[1]), (self.moving_variance, outputs[2])):
                running.assign(running * self.momentum + found * (1 - self.momentum))
        return outputs[0]
