"""Sends notes, in the order in which they were posted to a chat as far as Telegram's limits let it."""

from typing import Final

import structlog
from aiogram import Bot
from aiogram.enums import ParseMode
from aiogram.types import ReplyParameters

from bot.presentation import keyboards
from bot.storage.attempts import Tries
from bot.storage.outgoing_message import Note
from bot.telegram.api_calls import SendError, TooFast, Uncertain, attempt
from bot.telegram.rate_limiter import Pacer, Urgency
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import OutboxJob

log = structlog.get_logger(__name__)

_PATIENT_S: Final = 1.0

#: A note is worth fewer tries than an answer.
_TRIES: Final = 6


class Notes:
    """The work of a loop over the outbox of notes."""

    def __init__(self, bot: Bot, ledger: AsyncLedger, *, pacer: Pacer, tries: Tries) -> None:
        self._bot = bot
        self._ledger = ledger
        self._pacer = pacer
        self._tries = tries

    async def work(self, job: OutboxJob) -> float | None:
        """Send one note; seconds until it is tried again where that did not work."""
        note = Note.model_validate_json(job.payload)
        try:
            if note.callback is not None:
                await self._answer_press(note)
            if note.text:
                turn = await self._pacer.wait_for_turn(note.chat, Urgency.NOTE, patient_s=_PATIENT_S)
                if not turn.ours:
                    return turn.wait_s
                await attempt(lambda: self._send(note))
        except TooFast as error:
            await self._pacer.hold(note.chat, error.seconds)
            return error.seconds
        except Uncertain as error:
            tries = await self._tries.failed(job.id)
            if tries < _TRIES:
                return self._tries.pause_s(tries)
            log.warning("a note was not sent", job=job.id, said=str(error))
        except SendError as error:
            log.info("a note was not wanted", job=job.id, said=str(error))
        # Its id is remembered for as long as Telegram may repeat the update that it answers.
        await self._ledger.run(transitions.cancel([job.id], retention_s=600))
        return None

    async def _answer_press(self, note: Note) -> None:
        try:
            await attempt(lambda: self._bot.answer_callback_query(note.callback or "", text=note.toast or None))
        except TooFast:
            raise
        except SendError as error:
            # Too late for the little clock on the button; the message below matters more.
            log.info("a press of a button was not answered", said=str(error))

    async def _send(self, note: Note) -> None:
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
