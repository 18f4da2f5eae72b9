"""decided -> answered: write the answer and send it, each answer at least once and as seldom twice as can be."""

import asyncio
import math
from typing import Final

import structlog
from aiogram import Bot
from aiogram.types import ReplyParameters
from pydantic import ValidationError

from bot.background.completion import JobCompletion
from bot.locales import translate
from bot.metrics import METRICS
from bot.presentation.answer_message import AnswerMessage, Decision, compose, edit, send
from bot.storage.attempts import AttemptCounter
from bot.storage.lost_replies import LostReplyFlag
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.status_messages import StatusMessages
from bot.telegram.api_calls import ChatUnavailable, OutcomeUnknown, RateLimited, Rejected, SendError, call_api
from bot.telegram.rate_limiter import Permit, Priority, RateLimiter
from shared.contract.decision import Failure, FailureReason, decision_from_json
from shared.image_store.async_store import AsyncImageStore
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import OutboxJob

log = structlog.get_logger(__name__)

#: A chat that has to wait longer than this for its turn lets others go first. Seconds.
_PATIENT_S: Final = 0.25


class AnswerDelivery:
    """The work of a loop over `decided`."""

    def __init__(
        self,
        bot: Bot,
        ledger: AsyncLedger,
        store: AsyncImageStore,
        *,
        rate_limiter: RateLimiter,
        attempts: AttemptCounter,
        waiting: StatusMessages,
        lost_replies: LostReplyFlag,
        completion: JobCompletion,
        max_attempts: int,
        incarnation: str,
    ) -> None:
        self._bot = bot
        self._ledger = ledger
        self._store = store
        self._rate_limiter = rate_limiter
        self._attempts = attempts
        self._waiting = waiting
        self._completion = completion
        self._max_attempts = max_attempts
        self._incarnation = incarnation
        self._lost_replies = lost_replies

    async def deliver(self, job: OutboxJob) -> float | None:
        """Deliver one answer; seconds until it is tried again where that did not work."""
        reference = PhotoOrigin.model_validate_json(job.payload)
        read = _decision(job)
        decision = read or Failure(reason=FailureReason.UNKNOWN_CONTRACT)
        turn = await self._rate_limiter.wait_for_permit(reference.chat_id, Priority.ANSWER, max_wait_s=_PATIENT_S)
        if not turn.granted:
            return turn.wait_s
        # It is composed while its turn comes, so that it goes out at that moment and not some time later.
        what, _ = await asyncio.gather(compose(job, decision, self._store), asyncio.sleep(turn.wait_s))
        await self._rate_limiter.space_sends()
        if held_s := await self._held(reference.chat_id, turn):
            return held_s
        try:
            await self._send(job, reference, what)
        except RateLimited as error:
            METRICS.telegram_errors.labels(kind="too_fast").inc()
            await self._rate_limiter.block(reference.chat_id, error.retry_after_s)
            return error.retry_after_s
        except ChatUnavailable:
            METRICS.telegram_errors.labels(kind="unwanted").inc()
            await self._completion.discard(job.id)
            return None
        except SendError as error:
            return await self._failed(job.id, error)
        if read is None:
            # A decision of another release is left, with its picture, for when this bot is of that release, too.
            log.error("dead letter: the decision is of another release", job=job.id)
            await self._completion.keep_for_operator(
                job, decision.kind, FailureReason.UNKNOWN_CONTRACT, incarnation=self._incarnation
            )
        else:
            await self._completion.complete(job, decision.kind)
        return None

    async def _held(self, chat: int, turn: Permit) -> float:
        """Seconds that Telegram asked to wait for since the turn was given."""
        return await self._rate_limiter.get_block_s(chat) if turn.wait_s else 0

    async def _send(self, job: OutboxJob, to: PhotoOrigin, what: AnswerMessage) -> None:
        # The message about the wait becomes the answer: done twice, that changes nothing, while a second message would
        # be a second answer wherever a reply of Telegram's was lost.
        message = await self._waiting.take_over(job.id)
        if message is None and await self._lost_replies.is_recent():
            message = await self._send_ahead(job, to)
        if message is not None:
            try:
                await edit(self._bot, to, message, what)
            except Rejected as error:
                log.info("the message about the wait is gone, sending anew", job=job.id, said=str(error))
            else:
                return
        await send(self._bot, to, what)

    async def _send_ahead(self, job: OutboxJob, to: PhotoOrigin) -> int | None:
        """While replies get lost: send a word first that can then be edited into the answer as often as it takes."""
        words = translate(job.language, "waiting-looked-at")
        reply = ReplyParameters(message_id=to.message_id, allow_sending_without_reply=True)
        sent = await call_api(lambda: self._bot.send_message(to.chat_id, words, reply_parameters=reply))
        if sent is None:
            return None
        await self._waiting.record(job.id, sent.message_id)
        turn = await self._rate_limiter.wait_for_permit(to.chat_id, Priority.ANSWER, max_wait_s=math.inf)
        await asyncio.sleep(turn.wait_s)
        return sent.message_id

    async def _failed(self, id_: str, error: SendError) -> float | None:
        METRICS.telegram_errors.labels(kind=type(error).__name__.lower()).inc()
        if isinstance(error, OutcomeUnknown):
            await self._lost_replies.mark()
        attempts = await self._attempts.record_failure(id_)
        if attempts < self._max_attempts:
            return self._attempts.backoff_s(attempts)
        log.error("dead letter: the answer cannot be delivered", job=id_, said=str(error))
        await self._ledger.run(transitions.dead_letter([id_], incarnation=self._incarnation, reason=str(error)))
        return None


def _decision(job: OutboxJob) -> Decision | None:
    """What was decided; None where that is in the words of another release."""
    try:
        return decision_from_json(job.decision)
    except ValidationError:
        return None
