"""decided -> answered: write the answer and send it, each answer at least once and as seldom twice as can be."""

import asyncio
import math
from typing import Final

import structlog
from aiogram import Bot
from aiogram.types import ReplyParameters
from pydantic import ValidationError

from bot.background.completion import Ending
from bot.locales import text
from bot.metrics import METRICS
from bot.presentation.answer_message import Answer, Decision, compose, edit, send
from bot.storage.attempts import Tries
from bot.storage.lost_replies import Trouble
from bot.storage.photo_origin import Reference
from bot.storage.status_messages import Waiting
from bot.telegram.api_calls import Rejected, SendError, TooFast, Uncertain, Unwanted, attempt
from bot.telegram.rate_limiter import Pacer, Turn, Urgency
from shared.contract.decision import Failure, FailureReason, decision_from_json
from shared.image_store.async_store import AsyncImageStore
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import OutboxJob

log = structlog.get_logger(__name__)

#: A chat that has to wait longer than this for its turn lets others go first. Seconds.
_PATIENT_S: Final = 0.25


class Deliver:
    """The work of a loop over `decided`."""

    def __init__(
        self,
        bot: Bot,
        ledger: AsyncLedger,
        store: AsyncImageStore,
        *,
        pacer: Pacer,
        tries: Tries,
        waiting: Waiting,
        trouble: Trouble,
        ending: Ending,
        most_tries: int,
        incarnation: str,
    ) -> None:
        self._bot = bot
        self._ledger = ledger
        self._store = store
        self._pacer = pacer
        self._tries = tries
        self._waiting = waiting
        self._ending = ending
        self._most_tries = most_tries
        self._incarnation = incarnation
        self._trouble = trouble

    async def work(self, job: OutboxJob) -> float | None:
        """Deliver one answer; seconds until it is tried again where that did not work."""
        reference = Reference.model_validate_json(job.payload)
        read = _decision(job)
        decision = read or Failure(reason=FailureReason.UNKNOWN_CONTRACT)
        turn = await self._pacer.wait_for_turn(reference.chat, Urgency.ANSWER, patient_s=_PATIENT_S)
        if not turn.ours:
            return turn.wait_s
        # It is composed while its turn comes, so that it goes out at that moment and not some time later.
        what, _ = await asyncio.gather(compose(job, decision, self._store), asyncio.sleep(turn.wait_s))
        await self._pacer.in_line()
        if held_s := await self._held(reference.chat, turn):
            return held_s
        try:
            await self._send(job, reference, what)
        except TooFast as error:
            METRICS.refused.labels(kind="too_fast").inc()
            await self._pacer.hold(reference.chat, error.seconds)
            return error.seconds
        except Unwanted:
            METRICS.refused.labels(kind="unwanted").inc()
            await self._ending.unwanted(job.id)
            return None
        except SendError as error:
            return await self._failed(job.id, error)
        if read is None:
            # A decision of another release is left, with its picture, for when this bot is of that release, too.
            log.error("dead letter: the decision is of another release", job=job.id)
            await self._ending.kept(job, decision.kind, FailureReason.UNKNOWN_CONTRACT, incarnation=self._incarnation)
        else:
            await self._ending.answered(job, decision.kind)
        return None

    async def _held(self, chat: int, turn: Turn) -> float:
        """Seconds that Telegram asked to wait for since the turn was given."""
        return await self._pacer.held_s(chat) if turn.wait_s else 0

    async def _send(self, job: OutboxJob, to: Reference, what: Answer) -> None:
        # The message about the wait becomes the answer: done twice, that changes nothing, while a second message would
        # be a second answer wherever a reply of Telegram's was lost.
        message = await self._waiting.answer(job.id)
        if message is None and await self._trouble.lately():
            message = await self._send_ahead(job, to)
        if message is not None:
            try:
                await edit(self._bot, to, message, what)
            except Rejected as error:
                log.info("the message about the wait is gone, sending anew", job=job.id, said=str(error))
            else:
                return
        await send(self._bot, to, what)

    async def _send_ahead(self, job: OutboxJob, to: Reference) -> int | None:
        """While replies get lost: send a word first that can then be edited into the answer as often as it takes."""
        words = text(job.language, "waiting-looked-at")
        reply = ReplyParameters(message_id=to.message, allow_sending_without_reply=True)
        sent = await attempt(lambda: self._bot.send_message(to.chat, words, reply_parameters=reply))
        if sent is None:
            return None
        await self._waiting.sent(job.id, sent.message_id)
        turn = await self._pacer.wait_for_turn(to.chat, Urgency.ANSWER, patient_s=math.inf)
        await asyncio.sleep(turn.wait_s)
        return sent.message_id

    async def _failed(self, id_: str, error: SendError) -> float | None:
        METRICS.refused.labels(kind=type(error).__name__.lower()).inc()
        if isinstance(error, Uncertain):
            await self._trouble.happened()
        tries = await self._tries.failed(id_)
        if tries < self._most_tries:
            return self._tries.pause_s(tries)
        log.error("dead letter: the answer cannot be delivered", job=id_, said=str(error))
        await self._ledger.run(transitions.dead_letter([id_], incarnation=self._incarnation, reason=str(error)))
        return None


def _decision(job: OutboxJob) -> Decision | None:
    """What was decided; None where that is in the words of another release."""
    try:
        return decision_from_json(job.decision)
    except ValidationError:
        return None
