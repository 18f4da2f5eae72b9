"""An image on its way through the worker, and the latch of the message that it came with."""

import threading
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from shared.contract.decision import Advice, Failure, Refusal
from shared.ledger.records import ClaimedJob


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


class CountDownLatch:
    """Opens when all images of a message have their outcome."""

    def __init__(self, count: int) -> None:
        self._remaining = count
        self._lock = threading.Lock()
        self._opened = threading.Event()
        if count == 0:
            self._opened.set()

    def count_down(self) -> None:
        """Record that one image has its outcome."""
        with self._lock:
            self._remaining -= 1
            is_open = self._remaining == 0
        if is_open:
            self._opened.set()

    def wait(self) -> None:
        """Wait until all images have their outcome."""
        self._opened.wait()


@dataclass(eq=False, slots=True)
class WorkItem:
    """State of one claimed job in this worker. `entered_at` and `deadline` are seconds of `time.monotonic()`."""

    job: ClaimedJob
    data: bytes
    latch: CountDownLatch
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
        self.latch.count_down()
