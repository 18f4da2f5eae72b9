"""The decode stage: chooses for each image the lane that decodes it."""

from collections.abc import Callable
from typing import Final

from shared.images.formats import needs_isolation
from shared.images.limits import DecodeLimits
from shared.images.preprocessing import PreprocessingSpec
from worker.batching.decode_lane import DecodeLane
from worker.batching.in_process_decoder import InProcessDecoder
from worker.batching.isolated_decoder import IsolatedDecoder
from worker.batching.weighted_semaphore import WeightedSemaphore
from worker.batching.work_item import WorkItem

#: Most child processes for containers and for suspect images, and one more of each for interactive ones. Each takes up
#: to 100 MB besides what its image takes.
_MAX_CHILDREN: Final = 4
_MAX_SUSPECT_CHILDREN: Final = 2


class DecodeStage:
    """Decodes work items in threads and passes them on.

    Of three lanes, one decodes simple formats in this process, one decodes containers in child processes, and one
    decodes suspect images in child processes. So no image waits for a suspect one unless it is one, and none but a
    container for a container. The first lane has a budget of memory, and the others share one.

    Args:
        spec: Preprocessing of the model's input.
        slots: Number of images of simple formats that are decoded at once. One more may be interactive.
        limits: Limits of size and cost. Each budget is one image's limit of memory.
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
        budget, isolated_budget = WeightedSemaphore(limits.max_memory), WeightedSemaphore(limits.max_memory)

        def decode_here() -> InProcessDecoder:
            return InProcessDecoder(spec, limits=limits, budget=budget)

        def decode_isolated() -> IsolatedDecoder:
            return IsolatedDecoder(spec, limits=limits, budget=isolated_budget, timeout_s=timeout_s)

        self._simple = DecodeLane(
            "decode",
            [decode_here() for _ in range(slots)],
            interactive_decoder=decode_here(),
            on_decoded=on_decoded,
        )
        self._isolated = DecodeLane(
            "decode-isolated",
            [decode_isolated() for _ in range(min(slots, _MAX_CHILDREN))],
            interactive_decoder=decode_isolated(),
            on_decoded=on_decoded,
        )
        self._suspect = DecodeLane(
            "decode-suspect",
            [decode_isolated() for _ in range(min(slots, _MAX_SUSPECT_CHILDREN))],
            interactive_decoder=decode_isolated(),
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
