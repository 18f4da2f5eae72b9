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
        """Remove the status messages of those `targets`, given with their chats, of which all photos were withdrawn."""
        found = await asyncio.gather(*map(self._find_withdrawn, targets))
        by_chat = defaultdict(set)
        for target, message_id in zip(targets, found, strict=True):
            if message_id is not None:
                by_chat[targets[target]].add(message_id)
        for chat_id, message_ids in by_chat.items():
            await self._messenger.enqueue_removal(chat_id, sorted(message_ids))
        removed = [target for target, message_id in zip(targets, found, strict=True) if message_id is not None]
        await asyncio.gather(*map(self._status_messages.release, removed))

    async def remove_if_withdrawn(self, target: StatusTarget, chat_id: int, message_id: int) -> None:
        """Remove a status message that was just sent, if all photos of its target were withdrawn meanwhile.

        The id is given, because a user who is deleted meanwhile takes along what the store knows.
        """
        if await self._is_withdrawn(target):
            await self._messenger.enqueue_removal(chat_id, [message_id])
            await self._status_messages.release(target)

    async def _find_withdrawn(self, target: StatusTarget) -> int | None:
        return await self._status_messages.get(target) if await self._is_withdrawn(target) else None

    async def _is_withdrawn(self, target: StatusTarget) -> bool:
        """Return whether no photo of the target waits, and none is answered."""
        if isinstance(target, AlbumTarget):
            ids = await self._status_messages.get_album_job_ids(target)
        else:
            ids = [target.job_id]
        jobs = await self._ledger.run(transitions.get_jobs(ids)) if ids else []
        return all(job is None or job.stage is Stage.CANCELLED for job in jobs)
