"""How much is waiting, and how long a new photograph would wait."""

import asyncio
from typing import Final

from shared.contract.names import Queue
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import Counts

_EVERY_S: Final = 1.0


class WaitEstimator:
    """The ledger's counts, at most about a second old."""

    def __init__(self, ledger: AsyncLedger) -> None:
        self._ledger = ledger
        self.counts: Counts | None = None

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.counts = await self._ledger.run(transitions.get_counts())
            await asyncio.sleep(_EVERY_S)

    def wait_s(self, place: int | None = None) -> float | None:
        """Expected seconds to the answer with `place` photographs before it (None: all that wait now).

        From what the workers say they can decide; None where no worker lives.
        """
        counts = self.counts
        if counts is None or counts.images_per_second <= 0:
            return None
        before = counts.queues[Queue.INTERACTIVE].ready if place is None else place
        return (before + counts.claimed + 1) / counts.images_per_second
