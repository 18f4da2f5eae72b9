"""TensorFlow without graphs: building a graph takes longer than the few steps of most tests."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def run_eagerly() -> Iterator[None]:
    """Run each operation at once inside the context."""
    # Imported here, because TensorFlow takes seconds to load.
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
