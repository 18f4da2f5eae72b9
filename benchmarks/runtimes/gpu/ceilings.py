"""What the machine can do at most, with which the service is compared."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Images a second that the cores decode and that the device predicts.

    Attributes:
        decoding: Of the cores alone.
        model: Of the device alone.
        is_shared: The device is the CPU, so that the same cores decode and predict.
    """

    decoding: float
    model: float
    is_shared: bool

    @property
    def total(self) -> float:
        """Images a second of both, one after the other on the same cores, or else of the slower of the two."""
        if self.is_shared:
            return 1 / (1 / self.decoding + 1 / self.model)
        return min(self.decoding, self.model)

    @property
    def limit(self) -> str:
        """Name of the slower of the two."""
        return "decoding" if self.decoding < self.model else "model"
