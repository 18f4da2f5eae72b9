"""What becomes of an answer and its job by what Telegram replies. The transport is scripted, Redis is real."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
)
from aiogram.methods import EditMessageText, SendMessage
from aiogram.methods.base import TelegramMethod
from aiogram.types import Chat, Message

from bot.app import create_services
from bot.background.answer_delivery import AnswerDelivery
from bot.background.completion import JobCompletion
from bot.dependencies import BotDependencies
from bot.storage.photo_origin import PhotoOrigin
from bot.telegram.rate_limiter import Permit, Priority
from shared.contract.decision import Refusal, RefusalReason
from shared.contract.names import Queue, Stage
from shared.ledger import admin, transitions
from shared.ledger.records import NewJob, OutboxJob
from tests.bot.redis_fixture import full_redis, run_scenario

INCARNATION = "bot-1"
ORIGIN = PhotoOrigin(chat_id=7, message_id=1, user_id=7, file_id="F")
REFUSAL = Refusal(reason=RefusalReason.EMPTY)
MAX_ATTEMPTS = 3

Outcome = Callable[[Any], Exception]


class ScriptedTelegram(BaseSession):
    """Answers calls with the outcomes, one after the other, and then with success. Records the calls."""

    def __init__(self, *outcomes: Outcome) -> None:
        super().__init__()
        self._outcomes = list(outcomes)
        self.calls: list[TelegramMethod[Any]] = []

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:  # noqa: ARG002
        self.calls.append(method)
        if self._outcomes:
            raise self._outcomes.pop(0)(method)
        return Message(message_id=100, date=datetime.now(UTC), chat=Chat(id=7, type="private"))

    async def close(self) -> None:
        """Nothing is open."""

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        yield b""


def lost(method: Any) -> Exception:
    return TelegramNetworkError(method, "connection reset")


def too_fast(method: Any) -> Exception:
    return TelegramRetryAfter(method, "Too Many Requests", 30)


def blocked(method: Any) -> Exception:
    return TelegramForbiddenError(method, "Forbidden: bot was blocked by the user")


def refused(method: Any) -> Exception:
    return TelegramBadRequest(method, "Bad Request: can't parse entities")


class Delivery:
    """A decided job with its image in the store, and what delivers it."""

    def __init__(self, dependencies: BotDependencies, telegram: ScriptedTelegram) -> None:
        self.dependencies = dependencies
        self.telegram = telegram
        bot = Bot("42:TEST", session=telegram)
        services = create_services(dependencies, b"key of the test")
        completion = JobCompletion(dependencies, services.background.status_removal, retention_s=60)
        self._delivery = AnswerDelivery(
            bot, dependencies, completion, max_attempts=MAX_ATTEMPTS, incarnation=INCARNATION
        )

    async def decide(self, decision: Refusal = REFUSAL) -> None:
        run = self.dependencies.ledger.run
        await self.dependencies.store.put({"a": b"image"})
        await run(
            transitions.create_jobs(
                [NewJob("a", ORIGIN.model_dump_json())],
                queue=Queue.INTERACTIVE,
                outbox="telegram",
                language="en",
                deadline_s=60,
                stored=True,
            )
        )
        await run(transitions.decide([("a", decision)]))

    async def lease(self) -> OutboxJob:
        (job,) = await self.dependencies.ledger.run(
            transitions.lease(Stage.DECIDED, outbox="telegram", limit=5, incarnation=INCARNATION)
        )
        return job

    async def deliver(self, job: OutboxJob) -> float | None:
        return await self._delivery.deliver(job)

    async def stage(self) -> Stage | None:
        (job,) = await self.dependencies.ledger.run(transitions.get_jobs(["a"]))
        return job.stage if job else None

    async def dead_letters(self) -> list[str]:
        return [letter.id for letter in await self.dependencies.ledger.run(admin.get_dead_letters(limit=5))]


def test_sent_answer_completes_its_job_and_deletes_the_image(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        delivery = Delivery(dependencies, ScriptedTelegram())
        await delivery.decide()
        assert await delivery.deliver(await delivery.lease()) is None
        assert await delivery.stage() is Stage.ANSWERED
        assert await dependencies.store.get("a") is None
        (call,) = delivery.telegram.calls
        assert isinstance(call, SendMessage)
        assert call.chat_id == 7
        assert call.reply_parameters is not None
        assert call.reply_parameters.message_id == 1

    run_scenario(redis_url, scenario)


def test_rate_limit_of_telegram_blocks_the_chat_and_is_no_failed_attempt(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        delivery = Delivery(dependencies, ScriptedTelegram(too_fast))
        await delivery.decide()
        job = await delivery.lease()
        assert await delivery.deliver(job) == 30
        assert await delivery.stage() is Stage.DECIDED
        assert await dependencies.rate_limiter.get_block_s(7) > 20
        again = await delivery.deliver(job)
        assert again is not None
        assert again > 20
        assert len(delivery.telegram.calls) == 1, "nothing is sent while the chat is blocked"
        assert await dependencies.attempts.record_failure("a") == 1

    run_scenario(redis_url, scenario)


def test_user_who_blocked_the_bot_leaves_no_job_and_no_image(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        delivery = Delivery(dependencies, ScriptedTelegram(blocked))
        await delivery.decide()
        assert await delivery.deliver(await delivery.lease()) is None
        assert await delivery.stage() in (None, Stage.CANCELLED)
        assert await dependencies.store.get("a") is None
        assert await delivery.dead_letters() == []

    run_scenario(redis_url, scenario)


@pytest.mark.parametrize(("outcome", "is_lost"), [(lost, True), (refused, False)], ids=["lost reply", "refused"])
def test_answer_is_tried_as_often_as_allowed_and_then_kept_for_an_operator(
    redis_url: str, outcome: Outcome, is_lost: bool
) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        delivery = Delivery(dependencies, ScriptedTelegram(*[outcome] * 20))
        await delivery.decide()
        job = await delivery.lease()
        delays = []
        for _ in range(MAX_ATTEMPTS):
            assert await delivery.dead_letters() == []
            delays.append(await delivery.deliver(job))
            await forget_permits(dependencies)
        assert delays == [0.5, 1.0, None]
        assert await delivery.dead_letters() == ["a"]
        assert await delivery.stage() is Stage.DECIDED
        assert await dependencies.lost_replies.is_recent() is is_lost
        # A replay gets all attempts again.
        assert await dependencies.attempts.record_failure("a") == 1

    run_scenario(redis_url, scenario)


def test_answer_whose_reply_is_lost_is_sent_again_soon_though_redis_is_full(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        delivery = Delivery(dependencies, ScriptedTelegram(lost))
        await delivery.decide()
        job = await delivery.lease()
        async with full_redis(dependencies):
            assert await delivery.deliver(job) == 0.5
            assert await dependencies.lost_replies.is_recent()
            # A status message that becomes the answer, so that the user sees no second one.
            assert await delivery.deliver(job) is None
        _, placeholder, answer = delivery.telegram.calls
        assert isinstance(placeholder, SendMessage)
        assert isinstance(answer, EditMessageText)
        assert await delivery.stage() is Stage.ANSWERED

    run_scenario(redis_url, scenario, telegram_chat_per_s=1000)


def test_after_a_lost_reply_a_status_message_is_sent_first_and_becomes_the_answer(redis_url: str) -> None:
    """An edit can be repeated without harm. A new message that is sent again is a second answer."""

    async def scenario(dependencies: BotDependencies) -> None:
        delivery = Delivery(dependencies, ScriptedTelegram())
        await delivery.decide()
        await dependencies.lost_replies.mark()
        assert await delivery.deliver(await delivery.lease()) is None
        placeholder, answer = delivery.telegram.calls
        assert isinstance(placeholder, SendMessage)
        assert isinstance(answer, EditMessageText)
        assert answer.message_id == 100
        assert answer.text != placeholder.text
        assert await delivery.stage() is Stage.ANSWERED

    run_scenario(redis_url, scenario, telegram_chat_per_s=1000)


def test_decision_of_another_release_is_kept_and_its_user_is_told(redis_url: str) -> None:
    class FutureDecision(Refusal):
        new_field: str = "of a newer release"

    async def scenario(dependencies: BotDependencies) -> None:
        delivery = Delivery(dependencies, ScriptedTelegram())
        await delivery.decide(FutureDecision(reason=RefusalReason.EMPTY))
        assert await delivery.deliver(await delivery.lease()) is None
        assert len(delivery.telegram.calls) == 1
        assert await delivery.dead_letters() == ["a"]
        assert await dependencies.store.get("a") == b"image", "an operator may replay the job"

    run_scenario(redis_url, scenario)


def test_status_message_becomes_the_answer_and_a_refused_edit_a_new_message(redis_url: str) -> None:
    from bot.storage.status_target import JobTarget

    async def scenario(dependencies: BotDependencies) -> None:
        delivery = Delivery(dependencies, ScriptedTelegram(refused))
        await delivery.decide()
        await dependencies.status_messages.record(JobTarget("a"), 55)
        assert await delivery.deliver(await delivery.lease()) is None
        edit, answer = delivery.telegram.calls
        assert isinstance(edit, EditMessageText)
        assert edit.message_id == 55
        assert isinstance(answer, SendMessage)
        assert answer.text == edit.text

    run_scenario(redis_url, scenario)


def test_answer_that_its_user_withdraws_while_it_waits_for_its_permit_is_not_sent(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        delivery = Delivery(dependencies, ScriptedTelegram())
        await delivery.decide()
        job = await delivery.lease()
        wait_for_permit = dependencies.rate_limiter.wait_for_permit

        async def withdraw_meanwhile(chat_id: int, priority: Priority, *, max_wait_s: float) -> Permit:
            await dependencies.ledger.run(transitions.cancel(["a"]))
            await asyncio.sleep(0.1)
            return await wait_for_permit(chat_id, priority, max_wait_s=max_wait_s)

        monkeypatch.setattr(dependencies.rate_limiter, "wait_for_permit", withdraw_meanwhile)
        assert await delivery.deliver(job) is None
        assert delivery.telegram.calls == []

    run_scenario(redis_url, scenario)


async def forget_permits(dependencies: BotDependencies) -> None:
    """Let the next answer to the chat go at once."""
    client = cast("Any", dependencies.client)
    keys = [key async for key in client.scan_iter("melanoma:telegram:rate*")]
    if keys:
        await client.delete(*keys)
    await asyncio.sleep(0)
