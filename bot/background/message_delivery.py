"""Sends outgoing messages, several at once. Those to one chat usually keep their order."""

from typing import Final

import structlog
from aiogram import Bot
from aiogram.enums import ParseMode
from aiogram.types import ReplyParameters

from bot.dependencies import BotDependencies
from bot.presentation import keyboards
from bot.storage.outgoing_message import OutgoingMessage
from bot.telegram.api_calls import OutcomeUnknown, RateLimited, SendError, call_api
from bot.telegram.rate_limiter import Priority
from shared.ledger import transitions
from shared.ledger.records import OutboxJob

log = structlog.get_logger(__name__)

#: A message is requeued if its chat has to wait longer than this, so that other chats go first. Seconds.
_MAX_CHAT_WAIT_S: Final = 1.0

#: Fewer attempts than for an answer, which matters more.
_MAX_ATTEMPTS: Final = 6

#: The id of a sent message is remembered for as long as Telegram may repeat the update that it answers. Seconds.
_SENT_RETENTION_S: Final = 600


class MessageDelivery:
    """Handler of the jobs in the outbox of messages."""

    def __init__(self, bot: Bot, dependencies: BotDependencies) -> None:
        self._bot = bot
        self._ledger = dependencies.ledger
        self._rate_limiter = dependencies.rate_limiter
        self._attempts = dependencies.attempts

    async def deliver(self, job: OutboxJob) -> float | None:
        """Send one message. Returns the seconds until the next attempt; None if there is none."""
        message = OutgoingMessage.model_validate_json(job.payload)
        try:
            if message.callback_query_id is not None:
                await self._answer_callback_query(message)
            if message.text:
                permit = await self._rate_limiter.wait_for_permit(
                    message.chat_id, Priority.MESSAGE, max_wait_s=_MAX_CHAT_WAIT_S
                )
                if not permit.granted:
                    return permit.wait_s
                await call_api(lambda: self._send(message))
        except RateLimited as error:
            await self._rate_limiter.block(message.chat_id, error.retry_after_s)
            return error.retry_after_s
        except OutcomeUnknown as error:
            attempts = await self._attempts.record_failure(job.id)
            if attempts < _MAX_ATTEMPTS:
                return self._attempts.backoff_s(attempts)
            log.warning("a message could not be sent, giving up", job=job.id, error=str(error))
        except SendError as error:
            log.info("Telegram refused a message, dropping it", job=job.id, error=str(error))
        await self._ledger.run(transitions.cancel([job.id], retention_s=_SENT_RETENTION_S))
        return None

    async def drop(self, job: OutboxJob) -> None:
        """Drop a message that could not be sent before its deadline: it is of no use, and no dead letter."""
        await self._ledger.run(transitions.cancel([job.id]))

    async def _answer_callback_query(self, message: OutgoingMessage) -> None:
        try:
            await call_api(
                lambda: self._bot.answer_callback_query(message.callback_query_id or "", text=message.toast or None)
            )
        except RateLimited:
            raise
        except SendError as error:
            # The button shows its progress bar until it times out. The message that follows matters more.
            log.info("the press of a button could not be answered", error=str(error))

    async def _send(self, message: OutgoingMessage) -> None:
        reply = (
            ReplyParameters(message_id=message.reply_to_message_id, allow_sending_without_reply=True)
            if message.reply_to_message_id is not None
            else None
        )
        await self._bot.send_message(
            message.chat_id,
            message.text,
            parse_mode=ParseMode.HTML,
            reply_parameters=reply,
            reply_markup=keyboards.to_markup(message.keyboard),
        )
