"""decided -> answered: write the answer and send it, each answer at least once and as seldom twice as can be."""

import asyncio
import math
from typing import Final

import structlog
from aiogram import Bot
from aiogram.enums import ParseMode
from aiogram.types import BufferedInputFile, InputMediaPhoto, ReplyParameters
from pydantic import ValidationError

from bot import keyboards
from bot.drawing import drawn
from bot.loops.tries import Tries
from bot.loops.trouble import Trouble
from bot.loops.waiting import Waiting
from bot.metrics import METRICS
from bot.pacing import Pacer, Urgency
from bot.reference import Reference
from bot.sending import Rejected, SendError, TooFast, Uncertain, Unwanted, attempt
from bot.statistics import Statistics
from bot.texts import text
from bot.wording import answer
from shared.contract.decision import Failure, FailureReason, Refusal, Verdict, decision_from_json
from shared.ledger import moves
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import OutboxJob
from shared.settings import Settings
from shared.store import PictureStore

log = structlog.get_logger(__name__)

#: A chat that has to wait longer than this for its turn lets others go first. Seconds.
_PATIENT_S: Final = 1.0


Decision = Verdict | Refusal | Failure


class Deliver:
    """The work of a loop over `decided`."""

    def __init__(
        self,
        bot: Bot,
        ledger: AsyncLedger,
        store: PictureStore,
        *,
        pacer: Pacer,
        tries: Tries,
        waiting: Waiting,
        statistics: Statistics,
        settings: Settings,
        incarnation: str,
    ) -> None:
        self._bot = bot
        self._ledger = ledger
        self._store = store
        self._pacer = pacer
        self._tries = tries
        self._waiting = waiting
        self._statistics = statistics
        self._settings = settings
        self._incarnation = incarnation
        self._trouble = Trouble()

    async def work(self, job: OutboxJob) -> float | None:
        """Deliver one answer; seconds until it is tried again where that did not work."""
        reference = Reference.model_validate_json(job.reference)
        read = _decision(job)
        decision = read or Failure(reason=FailureReason.UNKNOWN_CONTRACT)
        if wait_s := await self._turn(reference.chat, patient_s=_PATIENT_S):
            return wait_s
        try:
            await self._send(job, reference, decision)
        except TooFast as error:
            METRICS.refused.labels(kind="too_fast").inc()
            await self._pacer.hold(reference.chat, error.seconds)
            return error.seconds
        except Unwanted:
            METRICS.refused.labels(kind="unwanted").inc()
            await self._ledger.run(moves.cancel([job.id]))
            await self._clear(job.id)
            return None
        except SendError as error:
            return await self._failed(job.id, error)
        if read is None:
            await self._keep(job.id)
        else:
            await self._ledger.run(moves.answered([job.id], retention_s=self._settings.answer_retention_s))
            await self._clear(job.id)
        await self._statistics.answered(decision.kind, job)
        return None

    async def _turn(self, chat: int, *, patient_s: float) -> float:
        """Wait for a turn to send; or seconds to come back after, where the chat waits longer than `patient_s`."""
        while (turn := await self._pacer.turn(chat, Urgency.ANSWER)).wait_s:
            if turn.chat and turn.wait_s > patient_s:
                return turn.wait_s
            await asyncio.sleep(turn.wait_s)
        return 0

    async def _send(self, job: OutboxJob, to: Reference, decision: Decision) -> None:
        words = answer(decision, job.language)
        picture = await self._picture(job.id, decision)
        markup = keyboards.markup(keyboards.under_answer(job.language, job.id))
        # The message about the wait becomes the answer: done twice, that changes nothing, while a second message would
        # be a second answer wherever a reply of Telegram's was lost.
        message = await self._waiting.answer(job.id)
        if message is None and self._trouble.lately():
            message = await self._send_ahead(job, to)
        if message is not None:
            try:
                if picture is None:
                    await attempt(
                        lambda: self._bot.edit_message_text(
                            words, chat_id=to.chat, message_id=message, parse_mode=ParseMode.HTML, reply_markup=markup
                        )
                    )
                else:
                    media = InputMediaPhoto(media=picture, caption=words, parse_mode=ParseMode.HTML)
                    await attempt(
                        lambda: self._bot.edit_message_media(
                            media, chat_id=to.chat, message_id=message, reply_markup=markup
                        )
                    )
            except Rejected as error:
                log.info("the message about the wait is gone, sending anew", job=job.id, said=str(error))
            else:
                return
        reply = ReplyParameters(message_id=to.message, allow_sending_without_reply=True)
        if picture is None:
            await attempt(
                lambda: self._bot.send_message(
                    to.chat, words, parse_mode=ParseMode.HTML, reply_parameters=reply, reply_markup=markup
                )
            )
        else:
            await attempt(
                lambda: self._bot.send_photo(
                    to.chat,
                    picture,
                    caption=words,
                    parse_mode=ParseMode.HTML,
                    reply_parameters=reply,
                    reply_markup=markup,
                )
            )

    async def _send_ahead(self, job: OutboxJob, to: Reference) -> int | None:
        """While replies get lost: send a word first that can then be edited into the answer as often as it takes."""
        words = text(job.language, "waiting-looked-at")
        reply = ReplyParameters(message_id=to.message, allow_sending_without_reply=True)
        sent = await attempt(lambda: self._bot.send_message(to.chat, words, reply_parameters=reply))
        if sent is None:
            return None
        await self._waiting.sent(job.id, sent.message_id)
        await self._turn(to.chat, patient_s=math.inf)
        return sent.message_id

    async def _picture(self, id_: str, decision: Decision) -> BufferedInputFile | None:
        if not isinstance(decision, Verdict):
            return None
        data = (await asyncio.to_thread(self._store.get, [id_]))[0]
        # A picture that is gone from the store is not worth a wait: the words are the answer.
        jpeg = await asyncio.to_thread(drawn, data, decision.evidence) if data else None
        return BufferedInputFile(jpeg, "evidence.jpg") if jpeg else None

    async def _failed(self, id_: str, error: SendError) -> float | None:
        METRICS.refused.labels(kind=type(error).__name__.lower()).inc()
        if isinstance(error, Uncertain):
            self._trouble.happened()
        tries = await self._tries.failed(id_)
        if tries < self._settings.telegram_tries:
            return self._tries.pause_s(tries)
        log.error("dead letter: the answer cannot be delivered", job=id_, said=str(error))
        await self._ledger.run(moves.undeliverable([id_], incarnation=self._incarnation, reason=str(error)))
        return None

    async def _keep(self, id_: str) -> None:
        """Leave a decision of another release, with its picture, for when this bot is of that release, too."""
        log.error("dead letter: the decision is of another release", job=id_)
        reason = FailureReason.UNKNOWN_CONTRACT
        await self._ledger.run(moves.undeliverable([id_], incarnation=self._incarnation, reason=reason))
        await self._waiting.over(id_)

    async def _clear(self, id_: str) -> None:
        await asyncio.to_thread(self._store.delete, [id_])
        await self._waiting.over(id_)


def _decision(job: OutboxJob) -> Decision | None:
    """What was decided; None where that is in the words of another release."""
    try:
        return decision_from_json(job.decision)
    except ValidationError:
        return None
