"""decided -> answered: composes each answer and sends it, at least once and as seldom twice as possible."""

import asyncio
import time
from typing import Final

import structlog
from aiogram import Bot
from pydantic import ValidationError

from bot.background.answer_sender import AnswerSender
from bot.background.completion import JobCompletion
from bot.dependencies import BotDependencies
from bot.presentation.answer_message import Decision, compose
from bot.storage.photo_origin import PhotoOrigin
from bot.telegram.api_calls import ChatUnavailable, OutcomeUnknown, RateLimited, SendError
from bot.telegram.rate_limiter import Priority
from shared.contract.decision import Failure, FailureReason, decision_from_json
from shared.contract.names import Stage
from shared.ledger import transitions
from shared.ledger.records import OutboxJob

log = structlog.get_logger(__name__)

#: An answer is requeued if its chat has to wait longer than this, so that other chats go first. Seconds.
_MAX_CHAT_WAIT_S: Final = 0.25

#: After waiting longer than this, an answer is sent only if its photo was not withdrawn meanwhile. Seconds.
_LONG_WAIT_S: Final = 0.05


class AnswerDelivery:
    """Handler of jobs in the stage `decided`. After `max_attempts` failed attempts an answer becomes a dead letter."""

    def __init__(
        self,
        bot: Bot,
        dependencies: BotDependencies,
        completion: JobCompletion,
        *,
        max_attempts: int,
        incarnation: str,
    ) -> None:
        self._dependencies = dependencies
        self._rate_limiter = dependencies.rate_limiter
        self._sender = AnswerSender(bot, dependencies)
        self._completion = completion
        self._max_attempts = max_attempts
        self._incarnation = incarnation

    async def deliver(self, job: OutboxJob) -> float | None:
        """Deliver one answer. Returns the seconds until the next attempt; None if there is none."""
        origin = PhotoOrigin.model_validate_json(job.payload)
        decision = _read_decision(job)
        shown = decision or Failure(reason=FailureReason.UNKNOWN_CONTRACT)
        began = time.monotonic()
        permit = await self._rate_limiter.wait_for_permit(origin.chat_id, Priority.ANSWER, max_wait_s=_MAX_CHAT_WAIT_S)
        if not permit.granted:
            return permit.wait_s
        # The answer is composed while its permit becomes valid, so that it is sent at that moment and not later.
        valid_at = time.monotonic() + permit.wait_s
        answer = await compose(job, shown, self._dependencies.store)
        await asyncio.sleep(max(0.0, valid_at - time.monotonic()))
        await self._rate_limiter.space_sends()
        if permit.wait_s and (block_s := await self._rate_limiter.get_block_s(origin.chat_id)):
            # Telegram has refused a message to the chat since the permit was given.
            return block_s
        if time.monotonic() - began > _LONG_WAIT_S and not await self._is_decided(job.id):
            # The user withdrew the photo meanwhile.
            return None
        try:
            await self._sender.send(job, origin, answer)
        except SendError as error:
            return await self._handle_error(job, origin, error)
        except asyncio.CancelledError:
            # The bot stops, and the answer may have been sent.
            await self._dependencies.lost_replies.mark()
            raise
        if decision is not None:
            await self._completion.complete(job, decision.kind)
        else:
            # The decision is kept, so that an operator can replay the job once this bot is upgraded to the release that
            # made the decision. The image is kept until it expires.
            log.error("the decision is of another release, the job becomes a dead letter", job=job.id)
            await self._completion.keep_for_operator(
                job, shown.kind, FailureReason.UNKNOWN_CONTRACT, incarnation=self._incarnation
            )
        return None

    async def _is_decided(self, job_id: str) -> bool:
        (current,) = await self._dependencies.ledger.run(transitions.get_jobs([job_id]))
        return current is not None and current.stage is Stage.DECIDED

    async def _handle_error(self, job: OutboxJob, origin: PhotoOrigin, error: SendError) -> float | None:
        """Return the seconds until the next attempt; None if there is none."""
        if isinstance(error, RateLimited):
            await self._rate_limiter.block(origin.chat_id, error.retry_after_s)
            return error.retry_after_s
        if isinstance(error, ChatUnavailable):
            await self._completion.discard(job.id, origin)
            return None
        if isinstance(error, OutcomeUnknown):
            await self._dependencies.lost_replies.mark()
        attempts = await self._dependencies.attempts.record_failure(job.id)
        if attempts < self._max_attempts:
            return self._dependencies.attempts.backoff_s(attempts)
        log.error("the answer cannot be delivered, the job becomes a dead letter", job=job.id, error=str(error))
        await self._completion.dead_letter(job, str(error), incarnation=self._incarnation)
        return None


def _read_decision(job: OutboxJob) -> Decision | None:
    """Return the decision; None if it is of another release, whose contract this bot cannot read."""
    try:
        return decision_from_json(job.decision)
    except ValidationError:
        return None
