"""Sends outgoing messages. Those of one chat are sent one after the other, and delay no other chat."""

from typing import Final

import structlog
from aiogram import Bot
from aiogram.enums import ParseMode
from aiogram.types import ReplyParameters

from bot.dependencies import BotDependencies
from bot.presentation import keyboards
from bot.services.notices import NoticeComposer
from bot.storage.messages.outgoing_message import OutgoingMessage
from bot.telegram.api_calls import ChatUnavailable, OutcomeUnknown, RateLimited, Rejected, SendError, call_api
from bot.telegram.rate_limiter import Priority
from shared.contract.names import Stage
from shared.ledger import transitions
from shared.ledger.records import OutboxJob

log = structlog.get_logger(__name__)

#: A message is requeued if its chat has to wait longer than this, so that other chats go first. Seconds.
_MAX_CHAT_WAIT_S: Final = 0.25

#: A message that is not the first of its line is looked at again after at most this time. Seconds.
_MAX_LINE_WAIT_S: Final = 10.0

#: Fewer attempts than for an answer, which matters more.
_MAX_ATTEMPTS: Final = 6

#: A call that takes longer counts as lost, so that it holds up no other chat. Seconds.
_CALL_TIMEOUT_S: Final = 15.0

#: The id of a sent message is remembered for as long as Telegram may repeat the update that it answers. Seconds.
_SENT_RETENTION_S: Final = 600

#: A removal in the chat of a user who blocked the bot is tried again after this time, until its deadline. Seconds.
_BLOCKED_RETRY_S: Final = 60.0


class MessageDelivery:
    """Handler of the jobs in the outbox of messages."""

    def __init__(self, bot: Bot, dependencies: BotDependencies, notices: NoticeComposer) -> None:
        self._bot = bot
        self._notices = notices
        self._ledger = dependencies.ledger
        self._lines = dependencies.message_lines
        self._rate_limiter = dependencies.rate_limiter
        self._attempts = dependencies.attempts

    async def deliver(self, job: OutboxJob) -> float | None:
        """Send one message. Returns the seconds until the next attempt; None if there is none."""
        message = OutgoingMessage.model_validate_json(job.payload)
        if (before := await self._count_before(job.id, message)) > 0:
            return min(_MAX_LINE_WAIT_S, before * self._rate_limiter.get_chat_interval_s(message.chat_id))
        retry_after_s = await self._deliver_first(job.id, message)
        if retry_after_s is None:
            await self._lines.remove(message.line, [job.id])
            await self._ledger.run(transitions.cancel([job.id], retention_s=_SENT_RETENTION_S))
        return retry_after_s

    async def drop(self, job: OutboxJob) -> None:
        """Drop a message that could not be sent before its deadline: it is of no use, and no dead letter."""
        message = OutgoingMessage.model_validate_json(job.payload)
        await self._notices.abandon(message)
        await self._lines.remove(message.line, [job.id])
        await self._ledger.run(transitions.cancel([job.id]))

    async def _count_before(self, id_: str, message: OutgoingMessage) -> int:
        """Return how many messages of its line are to be sent before this one."""
        ids = await self._lines.get_ids(message.line)
        if id_ not in ids:
            # Another process joined the line and died before it created the job, or the line has expired.
            await self._lines.join(message.line, id_, id_, allow_equal=True)
            ids = await self._lines.get_ids(message.line)
        before = ids[: ids.index(id_)] if id_ in ids else []
        if not before:
            return 0
        jobs = await self._ledger.run(transitions.get_jobs(before))
        gone = [
            other
            for other, job in zip(before, jobs, strict=True)
            if job is None or job.stage not in (Stage.RECEIVED, Stage.DECIDED)
        ]
        await self._lines.remove(message.line, gone)
        return len(before) - len(gone)

    async def _deliver_first(self, id_: str, message: OutgoingMessage) -> float | None:
        try:
            if message.callback_query_id is not None:
                await self._answer_callback_query(message)
                return None
            if message.removed_message_ids:
                return await self._remove(message)
            if message.notice is not None:
                return await self._send_notice(message)
            return await self._send_if_permitted(message)
        except RateLimited as error:
            await self._rate_limiter.block(message.chat_id, error.retry_after_s)
            return error.retry_after_s
        except OutcomeUnknown as error:
            attempts = await self._attempts.record_failure(id_)
            if attempts < _MAX_ATTEMPTS:
                return self._attempts.backoff_s(attempts)
            log.warning("a message could not be sent, giving up", job=id_, error=str(error))
        except SendError as error:
            log.info("Telegram refused a message, dropping it", job=id_, error=str(error))
        await self._notices.abandon(message)
        return None

    async def _answer_callback_query(self, message: OutgoingMessage) -> None:
        try:
            await call_api(
                lambda: self._bot.answer_callback_query(message.callback_query_id or "", text=message.toast or None),
                timeout_s=_CALL_TIMEOUT_S,
            )
        except RateLimited:
            raise
        except SendError as error:
            # The button shows its progress bar until it times out. The message that follows matters more.
            log.info("the press of a button could not be answered", error=str(error))

    async def _remove(self, message: OutgoingMessage) -> float | None:
        try:
            await call_api(
                lambda: self._bot.delete_messages(message.chat_id, list(message.removed_message_ids)),
                timeout_s=_CALL_TIMEOUT_S,
            )
        except ChatUnavailable:
            # If the user unblocks the bot, the message must not be there any more.
            return _BLOCKED_RETRY_S
        return None

    async def _send_notice(self, message: OutgoingMessage) -> float | None:
        notice = message.notice
        assert notice is not None  # noqa: S101 - the caller checked it
        composed = await self._notices.compose(message, notice)
        if composed is None or isinstance(composed, float):
            return composed
        retry_after_s = await self._send_if_permitted(composed.message)
        if retry_after_s is None and await self._notices.finish(message, notice, composed.message_ids):
            # Further photos came while this notice was sent.
            return 0.0
        return retry_after_s

    async def _send_if_permitted(self, message: OutgoingMessage) -> float | None:
        permit = await self._rate_limiter.wait_for_permit(
            message.chat_id, Priority.MESSAGE, max_wait_s=_MAX_CHAT_WAIT_S
        )
        if not permit.granted:
            return permit.wait_s
        try:
            await call_api(lambda: self._send(message, message.thread_id), timeout_s=_CALL_TIMEOUT_S)
        except Rejected as error:
            if message.thread_id is None or not error.is_missing_topic:
                raise
            await call_api(lambda: self._send(message, None), timeout_s=_CALL_TIMEOUT_S)
        return None

    async def _send(self, message: OutgoingMessage, thread_id: int | None) -> None:
        reply = (
            ReplyParameters(message_id=message.reply_to_message_id, allow_sending_without_reply=True)
            if message.reply_to_message_id is not None
            else None
        )
        await self._bot.send_message(
            message.chat_id,
            message.text,
            message_thread_id=thread_id,
            parse_mode=ParseMode.HTML,
            reply_parameters=reply,
            reply_markup=keyboards.to_markup(message.keyboard),
        )
