"""Removes the status messages of photos that do not wait any more, because their user withdrew or deleted them."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping

from bot.services.messenger import Messenger
from bot.storage.status_messages import StatusMessages
from bot.storage.status_target import AlbumTarget, StatusTarget
from shared.contract.names import Stage
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger


class StatusRemoval:
    """Finds such messages and enqueues their removal. It waits while Redis is unavailable and can be repeated.

    The code that withdraws a photo calls it afterwards, and so does the code that has sent a status message. So one of
    the two sees what the other did, in either order.
    """

    def __init__(self, ledger: AsyncLedger, status_messages: StatusMessages, messenger: Messenger) -> None:
        self._ledger = ledger
        self._status_messages = status_messages
        self._messenger = messenger

    async def remove_withdrawn(self, targets: Mapping[StatusTarget, int]) -> None:
        """Remove the status messages of those `targets`, with their chats, of which every photo was withdrawn."""
        found = await asyncio.gather(*map(self._find_withdrawn, targets))
        by_chat = defaultdict(set)
        for target, message_id in zip(targets, found, strict=True):
            if message_id is not None:
                by_chat[targets[target]].add(message_id)
        for chat_id, message_ids in by_chat.items():
            await self._messenger.enqueue_removal(chat_id, sorted(message_ids))
        removed = [target for target, message_id in zip(targets, found, strict=True) if message_id is not None]
        await asyncio.gather(*map(self._status_messages.release, removed))

    async def _find_withdrawn(self, target: StatusTarget) -> int | None:
        """Return the id of the status message of a target of which nothing waits and nothing is answered."""
        if isinstance(target, AlbumTarget):
            ids = await self._status_messages.get_album_job_ids(target)
        else:
            ids = [target.job_id]
        jobs = await self._ledger.run(transitions.get_jobs(ids)) if ids else []
        if any(job is not None and job.stage is not Stage.CANCELLED for job in jobs):
            return None
        return await self._status_messages.get(target)
