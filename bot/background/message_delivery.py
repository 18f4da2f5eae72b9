"""Sends notes, in the order in which they were posted to a chat as far as Telegram's limits let it."""

from typing import Final

import structlog
from aiogram import Bot
from aiogram.enums import ParseMode
from aiogram.types import ReplyParameters

from bot.presentation import keyboards
from bot.storage.attempts import AttemptCounter
from bot.storage.outgoing_message import OutgoingMessage
from bot.telegram.api_calls import OutcomeUnknown, RateLimited, SendError, call_api
from bot.telegram.rate_limiter import Priority, RateLimiter
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import OutboxJob

log = structlog.get_logger(__name__)

_PATIENT_S: Final = 1.0

#: A note is worth fewer tries than an answer.
_TRIES: Final = 6


class MessageDelivery:
    """The work of a loop over the outbox of notes."""

    def __init__(self, bot: Bot, ledger: AsyncLedger, *, rate_limiter: RateLimiter, attempts: AttemptCounter) -> None:
        self._bot = bot
        self._ledger = ledger
        self._rate_limiter = rate_limiter
        self._attempts = attempts

    async def deliver(self, job: OutboxJob) -> float | None:
        """Send one note; seconds until it is tried again where that did not work."""
        message = OutgoingMessage.model_validate_json(job.payload)
        try:
            if message.callback_query_id is not None:
                await self._answer_press(message)
            if message.text:
                turn = await self._rate_limiter.wait_for_permit(
                    message.chat_id, Priority.MESSAGE, max_wait_s=_PATIENT_S
                )
                if not turn.granted:
                    return turn.wait_s
                await call_api(lambda: self._send(message))
        except RateLimited as error:
            await self._rate_limiter.block(message.chat_id, error.retry_after_s)
            return error.retry_after_s
        except OutcomeUnknown as error:
            attempts = await self._attempts.record_failure(job.id)
            if attempts < _TRIES:
                return self._attempts.backoff_s(attempts)
            log.warning("a note was not sent", job=job.id, said=str(error))
        except SendError as error:
            log.info("a note was not wanted", job=job.id, said=str(error))
        # Its id is remembered for as long as Telegram may repeat the update that it answers.
        await self._ledger.run(transitions.cancel([job.id], retention_s=600))
        return None

    async def _answer_press(self, message: OutgoingMessage) -> None:
        try:
            await call_api(
                lambda: self._bot.answer_callback_query(message.callback_query_id or "", text=message.toast or None)
            )
        except RateLimited:
            raise
        except SendError as error:
            # Too late for the little clock on the button; the message below matters more.
            log.info("a press of a button was not answered", said=str(error))

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
            reply_markup=keyboards.markup(message.keyboard),
        )
