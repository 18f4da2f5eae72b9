"""Enqueues outgoing messages. Background tasks send them, those of one chat in order."""

from collections.abc import Sequence

from bot.storage.messages.message_lines import MessageLines
from bot.storage.messages.outgoing_message import (
    MAX_REMOVED,
    OutgoingMessage,
    PhotoNotice,
    create_message_job,
    list_lines,
)
from shared.contract.names import Stage
from shared.ids import job_id
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger


class Messenger:
    """Enqueues messages. Every method waits while Redis is unavailable and can be repeated.

    `key` is the secret of the ids of messages.
    """

    def __init__(self, ledger: AsyncLedger, lines: MessageLines, key: bytes) -> None:
        self._ledger = ledger
        self._lines = lines
        self._key = key

    async def enqueue(self, message: OutgoingMessage, *reason: str) -> None:
        """Enqueue `message`, once for the same `reason` in its chat, and not while an equal one waits."""
        id_ = job_id(self._key, "message", str(message.chat_id), *reason)
        digest = job_id(self._key, "content", message.model_dump_json())
        equal = await self._lines.join(message.line, id_, digest)
        if equal is not None:
            if await self._is_waiting(equal):
                return
            # The equal message was sent, but a process stopped before it could say so.
            await self._lines.remove(message.line, [equal])
            await self._lines.join(message.line, id_, digest, allow_equal=True)
        await self._ledger.run(create_message_job(id_, message))

    async def enqueue_notice(self, chat_id: int, thread_id: int | None, notice: PhotoNotice) -> None:
        """Enqueue the notice about a burst of photos that were not taken, once a burst."""
        message = OutgoingMessage(chat_id=chat_id, thread_id=thread_id, notice=notice)
        await self.enqueue(message, "notice", str(notice.user_id), notice.reason, str(notice.began))

    async def enqueue_removal(self, chat_id: int, message_ids: Sequence[int]) -> None:
        """Enqueue the removal of messages that the bot sent to a chat."""
        for start in range(0, len(message_ids), MAX_REMOVED):
            removed = tuple(message_ids[start : start + MAX_REMOVED])
            message = OutgoingMessage(chat_id=chat_id, removed_message_ids=removed)
            await self.enqueue(message, "removal", *map(str, removed))

    async def withdraw(self, chat_id: int) -> None:
        """Delete the messages that wait for a private chat, but let removals happen."""
        for line in list_lines(chat_id):
            ids = await self._lines.get_ids(line)
            jobs = await self._ledger.run(transitions.get_jobs(ids)) if ids else []
            withdrawn = [
                id_
                for id_, job in zip(ids, jobs, strict=True)
                if job is None
                or not job.payload
                or not OutgoingMessage.model_validate_json(job.payload).removed_message_ids
            ]
            await self._ledger.run(transitions.delete(withdrawn))
            await self._lines.remove(line, withdrawn)

    async def _is_waiting(self, id_: str) -> bool:
        (job,) = await self._ledger.run(transitions.get_jobs([id_]))
        return job is not None and job.stage is Stage.RECEIVED
