"""Decode slots: as many threads as cores turn bytes into the model's input, urgent pictures first."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from shared.contract.decision import Failure, FailureReason, Refusal
from shared.images.decode import decode
from shared.images.preprocessing import PreprocessingSpec
from shared.images.refusal import ImageRejected
from worker.batching.isolated_decoder import IsolatedDecoder
from worker.batching.priority_queue import PriorityQueue
from worker.batching.work_item import WorkItem
from worker.telemetry.metrics import METRICS

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Slot:
    thread: threading.Thread
    picture: WorkItem | None = None
    since: float = 0.0


class DecodeStage:
    """Decodes what is put in and passes it to `pass_on`. Suspect pictures are decoded by a child process."""

    def __init__(
        self, rules: PreprocessingSpec, *, slots: int, child: IsolatedDecoder, pass_on: Callable[[WorkItem], None]
    ) -> None:
        self._rules = rules
        self._child = child
        self._pass_on = pass_on
        self._waiting: PriorityQueue[WorkItem] = PriorityQueue()
        self._slots = [self._make_slot(number) for number in range(slots)]

    def start(self) -> None:
        """Start the threads."""
        for slot in self._slots:
            slot.thread.start()

    def put(self, image: WorkItem) -> bool:
        """Queue a picture, or return False where the stage is stopping."""
        return self._waiting.put(image.job.queue, image)

    def close(self) -> list[WorkItem]:
        """Take no more; returns those that no slot had begun."""
        return self._waiting.close()

    def hanging_items(self, limit_s: float) -> list[WorkItem]:
        """Pictures that a slot has been decoding for longer than `limit_s`."""
        now = time.monotonic()
        return [slot.picture for slot in self._slots if slot.picture is not None and now - slot.since > limit_s]

    def __len__(self) -> int:
        """How many pictures wait for a slot."""
        return len(self._waiting)

    def _make_slot(self, number: int) -> _Slot:
        thread = threading.Thread(target=lambda: self._run(slot), name=f"decode-{number}", daemon=True)
        slot = _Slot(thread)
        return slot

    def _run(self, slot: _Slot) -> None:
        while taken := self._waiting.take(lambda _waiting: 1):
            image = taken[0]
            slot.since = time.monotonic()
            # The child has its own limit and may take it whole: that is not a hang of this slot.
            slot.picture = None if image.job.suspect else image
            try:
                self._decode(image)
            finally:
                slot.picture = None

    def _decode(self, image: WorkItem) -> None:
        started = time.monotonic()
        if started > image.deadline:
            image.finish(Failure(reason=FailureReason.DEADLINE))
            return
        try:
            if image.job.suspect:
                decoded = self._child.decode(image.data, self._rules)
            else:
                decoded = decode(image.data, self._rules)
        except ImageRejected as refused:
            image.finish(Refusal(reason=refused.reason))
            return
        if isinstance(decoded, Failure):
            image.finish(decoded)
            return
        image.pixels = decoded.pixels
        image.advice = decoded.advice
        image.decode_s = time.monotonic() - started
        image.data = b""
        METRICS.decode.observe(image.decode_s)
        self._pass_on(image)
