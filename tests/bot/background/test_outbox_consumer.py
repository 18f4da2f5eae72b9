"""A consumer of an outbox starts each job once, again after an error, and lets no chat use all slots."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.background import outbox_consumer
from bot.background.outbox_consumer import OutboxConsumer, Slots
from bot.dependencies import BotDependencies
from shared.contract.names import Queue, Stage
from shared.ledger import transitions
from shared.ledger.records import NewJob, OutboxJob
from shared.ledger.script_call import KEY_PREFIX, ScriptCall
from shared.redis_client.retry import RedisAccessDenied
from tests.bot.redis_fixture import run_scenario

INCARNATION = "bot-1"


def test_consumer_whose_lease_ended_does_not_start_its_jobs_in_flight_again(redis_url: str) -> None:
    started: list[str] = []

    async def scenario(dependencies: BotDependencies) -> None:
        client: Any = dependencies.client
        finish = asyncio.Event()

        async def handle(job: OutboxJob) -> None:
            started.append(job.id)
            await finish.wait()
            await dependencies.ledger.run(transitions.cancel([job.id]))

        async def count_received() -> int:
            return int(await client.zcard(f"{KEY_PREFIX}received:telegram"))

        consumer = make_consumer(dependencies, handle, Slots(4, 4, lambda _: 0))
        await create_jobs(dependencies, [NewJob("a")])
        async with running(consumer):
            while not started:
                await asyncio.sleep(0.02)
            await client.zadd(f"{KEY_PREFIX}incarnations", {INCARNATION: 1})
            await dependencies.ledger.run(transitions.recovery_sweep(lease_s=5, grace_s=3, limit=10))
            assert await count_received() == 1, "the sweep ends the lease"
            while await count_received():
                await asyncio.sleep(0.02)
            finish.set()
            while await client.exists(f"{KEY_PREFIX}job:a"):
                await asyncio.sleep(0.02)

    run_scenario(redis_url, scenario)
    assert started == ["a"]


def test_jobs_of_one_chat_leave_slots_for_other_chats(redis_url: str) -> None:
    crowded = [NewJob(f"a{number}", "1") for number in range(40)]

    async def scenario(dependencies: BotDependencies) -> None:
        started: list[str] = []
        finish, other_started = asyncio.Event(), asyncio.Event()

        async def handle(job: OutboxJob) -> None:
            started.append(job.id)
            if job.id == "b":
                other_started.set()
            else:
                await finish.wait()
            await dependencies.ledger.run(transitions.cancel([job.id]))

        consumer = make_consumer(dependencies, handle, Slots(8, 2, lambda job: int(job.payload)))
        await create_jobs(dependencies, [*crowded, NewJob("b", "2")])
        async with running(consumer):
            await other_started.wait()
            assert len(started) == 3, "two of the crowded chat, and the other"
            finish.set()
            while len(started) <= len(crowded):
                await asyncio.sleep(0.02)
        assert sorted(started) == sorted([*(job.id for job in crowded), "b"])

    run_scenario(redis_url, scenario)


def test_job_whose_handler_raises_is_handled_again(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_consumer, "_ERROR_RETRY_S", 0.1)

    async def scenario(dependencies: BotDependencies) -> None:
        attempts = 0
        done = asyncio.Event()

        async def handle(job: OutboxJob) -> None:
            nonlocal attempts
            attempts += 1
            if attempts < 3:
                raise ValueError("an error in our code")
            await dependencies.ledger.run(transitions.cancel([job.id]))
            done.set()

        consumer = make_consumer(dependencies, handle, Slots(4, 4, lambda _: 0))
        await create_jobs(dependencies, [NewJob("a")])
        async with running(consumer):
            await done.wait()
        assert attempts == 3

    run_scenario(redis_url, scenario)


def test_job_is_given_back_although_redis_refuses_it_at_first(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_consumer, "_REQUEUE_RETRY_S", 0.1)
    monkeypatch.setattr(outbox_consumer, "_ERROR_RETRY_S", 0.1)

    async def scenario(dependencies: BotDependencies) -> None:
        run, refused = dependencies.ledger.run, 0
        done = asyncio.Event()
        attempts = 0

        async def refuse_requeue(call: ScriptCall[Any]) -> Any:
            nonlocal refused
            if call.script == "requeue" and refused < 3:
                refused += 1
                raise RedisAccessDenied("no permissions")
            return await run(call)

        async def handle(job: OutboxJob) -> None:
            nonlocal attempts
            attempts += 1
            if attempts == 1:
                raise ValueError("an error in our code")
            await run(transitions.cancel([job.id]))
            done.set()

        monkeypatch.setattr(dependencies.ledger, "run", refuse_requeue)
        consumer = make_consumer(dependencies, handle, Slots(4, 4, lambda _: 0))
        await create_jobs(dependencies, [NewJob("a")])
        async with running(consumer):
            await done.wait()
        assert (attempts, refused) == (2, 3)

    run_scenario(redis_url, scenario)


def test_job_that_is_leased_before_its_release_is_confirmed_is_handled_again(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        run = dependencies.ledger.run
        leased_again, done = asyncio.Event(), asyncio.Event()
        attempts = 0

        async def delay_reply_to_release(call: ScriptCall[Any]) -> Any:
            reply = await run(call)
            if call.script == "requeue":
                await leased_again.wait()
            elif call.script == "lease" and reply and attempts:
                leased_again.set()
            return reply

        async def handle(job: OutboxJob) -> float | None:
            nonlocal attempts
            attempts += 1
            if attempts == 1:
                return 0.0
            await run(transitions.cancel([job.id]))
            done.set()
            return None

        monkeypatch.setattr(dependencies.ledger, "run", delay_reply_to_release)
        consumer = make_consumer(dependencies, handle, Slots(4, 4, lambda _: 0))
        await create_jobs(dependencies, [NewJob("a")])
        async with running(consumer):
            await done.wait()

    run_scenario(redis_url, scenario)


def test_payload_of_another_release_holds_up_no_other_job(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        handled: list[str] = []
        done = asyncio.Event()

        async def handle(job: OutboxJob) -> None:
            int(job.payload)
            handled.append(job.id)
            await dependencies.ledger.run(transitions.cancel([job.id]))
            if len(handled) == 2:
                done.set()

        consumer = make_consumer(dependencies, handle, Slots(4, 4, lambda job: int(job.payload)))
        await create_jobs(dependencies, [NewJob("a", "1"), NewJob("b", "unreadable"), NewJob("c", "2")])
        async with running(consumer):
            await done.wait()
        assert sorted(handled) == ["a", "c"]

    run_scenario(redis_url, scenario)


@asynccontextmanager
async def running(consumer: OutboxConsumer) -> AsyncIterator[None]:
    """The consumer runs, for 20 seconds at most."""
    task = asyncio.create_task(consumer.run())
    try:
        async with asyncio.timeout(20):
            yield
    finally:
        task.cancel()
        await consumer.stop()


def make_consumer(
    dependencies: BotDependencies, handle: Callable[[OutboxJob], Awaitable[float | None]], slots: Slots
) -> OutboxConsumer:
    return OutboxConsumer(
        dependencies.ledger,
        Stage.RECEIVED,
        outbox="telegram",
        incarnation=INCARNATION,
        wake_event=asyncio.Event(),
        slots=slots,
        handler=handle,
    )


async def create_jobs(dependencies: BotDependencies, jobs: list[NewJob]) -> None:
    await dependencies.ledger.run(transitions.heartbeat(INCARNATION, lease_s=60))
    await dependencies.ledger.run(
        transitions.create_jobs(
            jobs, queue=Queue.INTERACTIVE, outbox="telegram", language="en", deadline_s=60, stored=False
        )
    )
