"""Mixed precision: most of the arithmetic in half, the weights in single."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import keras


class Precision(StrEnum):
    """What the backbone calculates in. The heads always calculate in single precision."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    #: With a scaled loss, as its smallest number is too large for gradients.
    FLOAT16 = "float16"

    @contextmanager
    def apply_to_new_layers(self) -> Iterator[None]:
        """Layers that are made meanwhile calculate in this precision."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("float32" if self is Precision.FLOAT32 else f"mixed_{self}")
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)
