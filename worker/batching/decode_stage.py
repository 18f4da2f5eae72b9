"""Decode slots: threads that turn image bytes into the model's input, interactive images first."""

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
    item: WorkItem | None = None
    started_at: float = 0.0


class DecodeStage:
    """Decodes work items in threads and passes them on.

    Items that an earlier worker may have died of are decoded in a child process.

    Args:
        spec: Preprocessing of the model's input.
        slots: Number of threads.
        isolated_decoder: Decodes suspect items.
        on_decoded: Called with each decoded item.
    """

    def __init__(
        self,
        spec: PreprocessingSpec,
        *,
        slots: int,
        isolated_decoder: IsolatedDecoder,
        on_decoded: Callable[[WorkItem], None],
    ) -> None:
        self._spec = spec
        self._isolated_decoder = isolated_decoder
        self._on_decoded = on_decoded
        self._queue: PriorityQueue[WorkItem] = PriorityQueue()
        self._slots = [self._make_slot(index) for index in range(slots)]

    def start(self) -> None:
        """Start the threads."""
        for slot in self._slots:
            slot.thread.start()

    def put(self, item: WorkItem) -> bool:
        """Queue an item. Returns False if the stage is closed."""
        return self._queue.put(item.job.queue, item)

    def close(self) -> list[WorkItem]:
        """Accept no more items. Returns those that no slot has begun."""
        return self._queue.close()

    def join(self) -> None:
        """Wait for the decodes in progress after `close`."""
        for slot in self._slots:
            slot.thread.join()

    def get_hanging_items(self, limit_s: float) -> list[WorkItem]:
        """Return the items that a slot has been decoding for longer than `limit_s` seconds."""
        now = time.monotonic()
        return [slot.item for slot in self._slots if slot.item is not None and now - slot.started_at > limit_s]

    def _make_slot(self, index: int) -> _Slot:
        thread = threading.Thread(target=lambda: self._run(slot), name=f"decode-{index}", daemon=True)
        slot = _Slot(thread)
        return slot

    def _run(self, slot: _Slot) -> None:
        while taken := self._queue.take(lambda _waiting: 1):
            item = taken[0]
            slot.started_at = time.monotonic()
            # The child process has a time limit of its own. Using all of it is not a hang of this slot.
            slot.item = None if item.job.suspect else item
            try:
                self._decode(item)
            finally:
                slot.item = None

    def _decode(self, item: WorkItem) -> None:
        started = time.monotonic()
        if started > item.deadline:
            item.finish(Failure(reason=FailureReason.DEADLINE))
            return
        try:
            if item.job.suspect:
                decoded = self._isolated_decoder.decode(item.data, self._spec)
            else:
                decoded = decode(item.data, self._spec)
        except ImageRejected as error:
            item.finish(Refusal(reason=error.reason))
            return
        if isinstance(decoded, Failure):
            item.finish(decoded)
            return
        item.pixels = decoded.pixels
        item.advice = decoded.advice
        item.decode_s = time.monotonic() - started
        item.data = b""
        METRICS.decode.observe(item.decode_s)
        self._on_decoded(item)
