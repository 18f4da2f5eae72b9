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

    def __init__(self, bot: Bot, ledger: AsyncLedger, *, pacer: RateLimiter, tries: AttemptCounter) -> None:
        self._bot = bot
        self._ledger = ledger
        self._pacer = pacer
        self._tries = tries

    async def work(self, job: OutboxJob) -> float | None:
        """Send one note; seconds until it is tried again where that did not work."""
        note = OutgoingMessage.model_validate_json(job.payload)
        try:
            if note.callback is not None:
                await self._answer_press(note)
            if note.text:
                turn = await self._pacer.wait_for_turn(note.chat, Priority.NOTE, patient_s=_PATIENT_S)
                if not turn.granted:
                    return turn.wait_s
                await call_api(lambda: self._send(note))
        except RateLimited as error:
            await self._pacer.block(note.chat, error.seconds)
            return error.seconds
        except OutcomeUnknown as error:
            tries = await self._tries.record_failure(job.id)
            if tries < _TRIES:
                return self._tries.backoff_s(tries)
            log.warning("a note was not sent", job=job.id, said=str(error))
        except SendError as error:
            log.info("a note was not wanted", job=job.id, said=str(error))
        # Its id is remembered for as long as Telegram may repeat the update that it answers.
        await self._ledger.run(transitions.cancel([job.id], retention_s=600))
        return None

    async def _answer_press(self, note: OutgoingMessage) -> None:
        try:
            await call_api(lambda: self._bot.answer_callback_query(note.callback or "", text=note.toast or None))
        except RateLimited:
            raise
        except SendError as error:
            # Too late for the little clock on the button; the message below matters more.
            log.info("a press of a button was not answered", said=str(error))

    async def _send(self, note: OutgoingMessage) -> None:
        reply = (
            ReplyParameters(message_id=note.reply_to, allow_sending_without_reply=True)
            if note.reply_to is not None
            else None
        )
        await self._bot.send_message(
            note.chat,
            note.text,
            parse_mode=ParseMode.HTML,
            reply_parameters=reply,
            reply_markup=keyboards.markup(note.keyboard),
        )
