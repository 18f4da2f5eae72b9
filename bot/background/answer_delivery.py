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
from bot.telegram.rate_limiter import Permit, Priority
from shared.contract.decision import Failure, FailureReason, decision_from_json
from shared.ledger import transitions
from shared.ledger.records import OutboxJob

log = structlog.get_logger(__name__)

#: An answer is requeued if its chat has to wait longer than this, so that other chats go first. Seconds.
_MAX_CHAT_WAIT_S: Final = 0.25


class AnswerDelivery:
    """Handler of the jobs that are `decided`.

    After `max_attempts` failed attempts an answer becomes a dead letter.
    """

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
        permit = await self._rate_limiter.wait_for_permit(origin.chat_id, Priority.ANSWER, max_wait_s=_MAX_CHAT_WAIT_S)
        if not permit.granted:
            return permit.wait_s
        # The answer is composed while its permit becomes valid, so that it is sent at that moment and not later.
        valid_at = time.monotonic() + permit.wait_s
        answer = await compose(job, shown, self._dependencies.store)
        await asyncio.sleep(max(0.0, valid_at - time.monotonic()))
        await self._rate_limiter.space_sends()
        if block_s := await self._get_block_s(origin.chat_id, permit):
            return block_s
        try:
            await self._sender.send(job, origin, answer)
        except SendError as error:
            return await self._handle_error(job.id, origin, error)
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

    async def _get_block_s(self, chat_id: int, permit: Permit) -> float:
        """Return for how long Telegram blocks sending now, if the permit was reserved ahead; otherwise 0."""
        return await self._rate_limiter.get_block_s(chat_id) if permit.wait_s else 0

    async def _handle_error(self, job_id: str, origin: PhotoOrigin, error: SendError) -> float | None:
        """Return the seconds until the next attempt; None if there is none."""
        if isinstance(error, RateLimited):
            await self._rate_limiter.block(origin.chat_id, error.retry_after_s)
            return error.retry_after_s
        if isinstance(error, ChatUnavailable):
            await self._completion.discard(job_id)
            return None
        if isinstance(error, OutcomeUnknown):
            await self._dependencies.lost_replies.mark()
        attempts = await self._dependencies.attempts.record_failure(job_id)
        if attempts < self._max_attempts:
            return self._dependencies.attempts.backoff_s(attempts)
        log.error("the answer cannot be delivered, the job becomes a dead letter", job=job_id, error=str(error))
        await self._dependencies.ledger.run(
            transitions.dead_letter([job_id], incarnation=self._incarnation, reason=str(error))
        )
        return None


def _read_decision(job: OutboxJob) -> Decision | None:
    """Return the decision; None if it is of another release, whose contract this bot cannot read."""
    try:
        return decision_from_json(job.decision)
    except ValidationError:
        return None
