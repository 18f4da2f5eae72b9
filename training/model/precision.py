"""Mixed precision: most of the arithmetic in half precision, the weights in single precision."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import keras


class Precision(StrEnum):
    """Precision of the backbone. The heads always use single precision."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    #: With a scaled loss, because small gradients would be rounded to 0.
    FLOAT16 = "float16"

    @contextmanager
    def apply_to_new_layers(self) -> Iterator[None]:
        """Give this precision to the layers that are created in the context."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("float32" if self is Precision.FLOAT32 else f"mixed_{self}")
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)
