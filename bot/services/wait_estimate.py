"""Estimates how long a photo waits for its answer."""

import asyncio
from typing import Final

from shared.contract.names import Queue
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import Counts

_POLL_INTERVAL_S: Final = 1.0


class WaitEstimator:
    """Estimates waits from the ledger's counts, which are at most about a second old."""

    def __init__(self, ledger: AsyncLedger) -> None:
        self._ledger = ledger
        self.counts: Counts | None = None

    async def run(self) -> None:
        """Poll the counts until cancelled."""
        while True:
            self.counts = await self._ledger.run(transitions.get_counts())
            await asyncio.sleep(_POLL_INTERVAL_S)

    def is_stopped(self) -> bool:
        """Return whether nothing is decided now: no worker is alive, or an operator has paused the queue."""
        counts = self.counts
        return counts is not None and (counts.images_per_second <= 0 or counts.queues[Queue.INTERACTIVE].is_paused)

    def wait_s(self, position: int | None = None) -> float | None:
        """Estimate the seconds until the answer: photos before it and in workers, divided by the workers' throughput.

        Args:
            position: How many photos are before it in the queue; None for all that wait now.

        Returns:
            Seconds; None if nothing is decided now, or if the counts have not been read yet.
        """
        counts = self.counts
        if counts is None or self.is_stopped():
            return None
        before = counts.queues[Queue.INTERACTIVE].ready if position is None else position
        return (before + counts.claimed + 1) / counts.images_per_second
