"""A decode lane: threads that decode the items of one queue, interactive images first."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from shared.contract.decision import Failure, FailureReason, Refusal
from shared.contract.names import Queue
from shared.images.decode import DecodedImage
from shared.images.refusal import ImageRejected
from worker.batching.in_process_decoder import LargeImage
from worker.batching.isolated_decoder import DecoderClosed, DecoderUnavailable
from worker.batching.priority_queue import PriorityQueue
from worker.batching.work_item import Outcome, Released, WorkItem
from worker.telemetry.metrics import METRICS

log = structlog.get_logger(__name__)

#: Seconds until a slot tries again to start its child process. Meanwhile other workers may get the image.
_UNAVAILABLE_PAUSE_S: Final = 2.0


class Decoder(Protocol):
    """Protocol of the object that decodes the images of one slot."""

    def decode(self, data: bytes) -> DecodedImage | Failure:
        """Decode an image. May raise `ImageRejected`, `LargeImage` and the errors of `IsolatedDecoder`."""
        ...

    def running_s(self) -> float:
        """Return for how many seconds an image has been decoded that nothing else would stop."""
        ...

    def close(self) -> None:
        """Stop decoding, where that is possible."""
        ...


@dataclass(slots=True)
class _Slot:
    decoder: Decoder
    only: Queue | None = None
    item: WorkItem | None = field(default=None)


class DecodeLane:
    """Threads that decode the items of one queue and pass them on. Every item gets an outcome or is passed on.

    Args:
        name: Name of the threads.
        decoders: For each of them one thread takes items of any queue.
        interactive_decoder: For one more thread, which takes interactive items only: the others may all be busy with
            large bulk images for seconds.
        on_decoded: Called with each decoded item.
        on_large: Called with each item that a decoder has left to another lane.
    """

    def __init__(
        self,
        name: str,
        decoders: Sequence[Decoder],
        *,
        interactive_decoder: Decoder | None = None,
        on_decoded: Callable[[WorkItem], None],
        on_large: Callable[[WorkItem], None] | None = None,
    ) -> None:
        self._on_decoded = on_decoded
        self._on_large = on_large
        self._queue: PriorityQueue[WorkItem] = PriorityQueue()
        self._closed = threading.Event()
        self._slots = [_Slot(decoder) for decoder in decoders]
        if interactive_decoder is not None:
            self._slots.append(_Slot(interactive_decoder, Queue.INTERACTIVE))
        self._threads = [
            threading.Thread(target=self._run, args=(slot,), name=f"{name}-{index}", daemon=True)
            for index, slot in enumerate(self._slots)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def put(self, item: WorkItem) -> bool:
        """Queue an item. Returns False if the lane is closed."""
        return self._queue.put(item.job.queue, item)

    def count(self, queue: Queue) -> int:
        """Return the number of items of `queue` that wait or are being decoded."""
        items = [slot.item for slot in self._slots]
        return self._queue.count(queue) + sum(item is not None and item.job.queue is queue for item in items)

    def close(self) -> list[WorkItem]:
        """Accept no more items. Returns those that no slot has begun."""
        self._closed.set()
        return self._queue.close()

    def stop(self) -> None:
        """End the child processes, and release images that wait for memory. Call `close` of all lanes before."""
        for slot in self._slots:
            slot.decoder.close()

    def join(self) -> None:
        """Wait for the decodes in progress after `stop`."""
        for thread in self._threads:
            thread.join()

    def get_hanging_items(self, limit_s: float) -> list[WorkItem]:
        """Return the items that have been decoded for longer than `limit_s` seconds and that nothing will stop."""
        return [item for slot in self._slots if slot.decoder.running_s() > limit_s and (item := slot.item) is not None]

    def _run(self, slot: _Slot) -> None:
        while taken := self._queue.take(lambda _waiting: 1, only=slot.only):
            item = slot.item = taken[0]
            try:
                outcome = self._decode(item, slot.decoder)
                if outcome is not None:
                    item.finish(outcome)
            except Exception as error:
                # Any exception is caught: without an outcome the item's message would wait for ever, and without this
                # thread all messages would.
                log.exception("a decode slot failed, the image fails", job=item.job.id)
                item.finish(Failure(reason=FailureReason.DECODE_FAILED, detail=type(error).__name__))
            finally:
                slot.item = None

    def _decode(self, item: WorkItem, decoder: Decoder) -> Outcome | None:
        """Decode an item and pass it on. Returns its outcome if it could not be passed on."""
        started = time.monotonic()
        if started > item.deadline:
            return Failure(reason=FailureReason.DEADLINE)
        try:
            decoded = decoder.decode(item.data)
        except ImageRejected as error:
            return Refusal(reason=error.reason)
        except LargeImage:
            if self._on_large is None:
                raise
            self._on_large(item)
            return None
        except DecoderClosed:
            return Released.RELEASED
        except DecoderUnavailable as error:
            log.error("no child process can be started to decode in, releasing the image", problem=str(error))  # noqa: TRY400
            self._closed.wait(_UNAVAILABLE_PAUSE_S)
            return Released.RELEASED
        if isinstance(decoded, Failure):
            return decoded
        item.pixels = decoded.pixels
        item.advice = decoded.advice
        item.decode_s = time.monotonic() - started
        item.data = b""
        METRICS.decode.observe(item.decode_s)
        self._on_decoded(item)
        return None
