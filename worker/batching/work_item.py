"""An image on its way through the worker, and what collects the finished images of a message."""

import threading
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.contract.decision import Advice, Failure, Refusal
from shared.ledger.records import ClaimedJob

#: Seconds for which the finished images of a message wait for the rest. Images of one batch finish together; one that
#: takes long, such as a suspect, does not hold the others up.
_LINGER_S: Final = 0.1


class Released(Enum):
    """Outcome of an item that a stopping worker or a replaced model releases undecided."""

    RELEASED = auto()


@dataclass(frozen=True, slots=True)
class Prediction:
    """One image's row of a `PredictionBatch`: float32 [labels], [rows, columns] and [kinds]. Times in seconds."""

    probabilities: NDArray[np.float32]
    evidence: NDArray[np.float32]
    distance: float
    kinds: NDArray[np.float32]
    batch_size: int
    wait_s: float
    predict_s: float


Outcome = Prediction | Refusal | Failure | Released


class FinishedItems:
    """Collects the items of a message that have their outcome.

    Args:
        count: Number of items that will be added.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._missing = count
        self._finished: list[WorkItem] = []
        self._changed = threading.Condition()

    def add(self, item: "WorkItem") -> None:
        """Add an item that has its outcome."""
        with self._changed:
            self._finished.append(item)
            self._missing -= 1
            if not self._missing or len(self._finished) == 1:
                self._changed.notify()

    def take(self) -> list["WorkItem"]:
        """Wait for items. Returns those that were added since the last call, and [] after all of them."""
        with self._changed:
            self._changed.wait_for(lambda: self._finished or not self._missing)
            self._changed.wait_for(lambda: not self._missing, _LINGER_S)
            finished, self._finished = self._finished, []
            return finished


@dataclass(eq=False, slots=True)
class WorkItem:
    """State of one claimed job in this worker. `entered_at` and `deadline` are seconds of `time.monotonic()`."""

    job: ClaimedJob
    data: bytes
    message: FinishedItems
    entered_at: float
    deadline: float
    pixels: NDArray[np.uint8] | None = None
    advice: tuple[Advice, ...] = ()
    decode_s: float = 0.0
    outcome: Outcome | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def finish(self, outcome: Outcome) -> None:
        """Set the outcome and drop the image. The first outcome is kept; later ones are ignored."""
        with self._lock:
            if self.outcome is not None:
                return
            self.outcome = outcome
        self.data = b""
        self.pixels = None
        self.message.add(self)
