"""The decode stage: chooses for each image the lane that decodes it."""

from collections.abc import Callable
from typing import Final

from shared.contract.names import Queue
from shared.images.formats import needs_isolation
from shared.images.limits import DecodeLimits
from shared.images.preprocessing import PreprocessingSpec
from worker.batching.decode_lane import DecodeLane
from worker.batching.in_process_decoder import InProcessDecoder
from worker.batching.isolated_decoder import IsolatedDecoder
from worker.batching.weighted_semaphore import WeightedSemaphore
from worker.batching.work_item import Released, WorkItem

#: Most child processes for containers and large images, and for suspect images, and one more of each for interactive
#: ones. Each takes up to 100 MB besides what its image takes.
_MAX_CHILDREN: Final = 4
_MAX_SUSPECT_CHILDREN: Final = 2

#: Niceness of the child processes that decode bulk images, besides the worker's own: a large image takes a core for a
#: second. The kernel then gives a core that an interactive image needs to its threads three times out of four.
_NICENESS: Final = 5


class DecodeStage:
    """Decodes work items in threads and passes them on.

    There are three lanes. One decodes small images of simple formats in this process, one decodes containers and large
    images in child processes, and one decodes suspect images in child processes. So only suspect images wait for
    suspect images, and no photograph waits for a large image. The child processes share a budget of memory.

    Args:
        spec: Preprocessing of the model's input.
        slots: Number of small images that are decoded at once. One more may be interactive.
        limits: Limits of size and cost. The budget is one image's limit of memory.
        timeout_s: Limit for each decode in a child process.
        on_decoded: Called with each decoded item.
    """

    def __init__(
        self,
        spec: PreprocessingSpec,
        *,
        slots: int,
        limits: DecodeLimits,
        timeout_s: float,
        on_decoded: Callable[[WorkItem], None],
    ) -> None:
        budget = WeightedSemaphore(limits.max_memory)

        def decode_here() -> InProcessDecoder:
            return InProcessDecoder(spec, limits=limits)

        def decode_isolated(niceness: int = _NICENESS) -> IsolatedDecoder:
            return IsolatedDecoder(spec, limits=limits, budget=budget, timeout_s=timeout_s, niceness=niceness)

        self._simple = DecodeLane(
            "decode",
            [decode_here() for _ in range(slots)],
            interactive_decoder=decode_here(),
            on_decoded=on_decoded,
            on_large=self._put_isolated,
        )
        self._isolated = DecodeLane(
            "decode-isolated",
            [decode_isolated() for _ in range(min(slots, _MAX_CHILDREN))],
            interactive_decoder=decode_isolated(niceness=0),
            on_decoded=on_decoded,
        )
        self._suspect = DecodeLane(
            "decode-suspect",
            [decode_isolated() for _ in range(min(slots, _MAX_SUSPECT_CHILDREN))],
            interactive_decoder=decode_isolated(niceness=0),
            on_decoded=on_decoded,
        )
        self._lanes = (self._simple, self._isolated, self._suspect)

    def start(self) -> None:
        """Start the threads."""
        for lane in self._lanes:
            lane.start()

    def put(self, item: WorkItem) -> bool:
        """Queue an item. Returns False if the stage is closed."""
        if item.job.suspect:
            return self._suspect.put(item)
        return (self._isolated if needs_isolation(item.data) else self._simple).put(item)

    def count_simple(self, queue: Queue) -> int:
        """Return the number of images of `queue` that are decoded in this process, or wait for it."""
        return self._simple.count(queue)

    def close(self) -> list[WorkItem]:
        """Accept no more items and end the child processes. Returns the items that no slot has begun."""
        waiting = [item for lane in self._lanes for item in lane.close()]
        for lane in self._lanes:
            lane.stop()
        return waiting

    def join(self) -> None:
        """Wait for the decodes in progress after `close`."""
        for lane in self._lanes:
            lane.join()

    def get_hanging_items(self, limit_s: float) -> list[WorkItem]:
        """Return the items that a thread has been decoding for longer than `limit_s` seconds."""
        return [item for lane in self._lanes for item in lane.get_hanging_items(limit_s)]

    def _put_isolated(self, item: WorkItem) -> None:
        if not self._isolated.put(item):
            item.finish(Released.RELEASED)
