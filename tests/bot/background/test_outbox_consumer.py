"""A consumer of an outbox starts each job once, even if its lease ends while the process lives."""

import asyncio
from typing import Any

from bot.background.outbox_consumer import OutboxConsumer
from bot.dependencies import BotDependencies
from shared.contract.names import Queue, Stage
from shared.ledger import transitions
from shared.ledger.records import NewJob, OutboxJob
from shared.ledger.script_call import KEY_PREFIX
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

        consumer = OutboxConsumer(
            dependencies.ledger,
            Stage.RECEIVED,
            outbox="telegram",
            incarnation=INCARNATION,
            wake_event=asyncio.Event(),
            slots=4,
            handler=handle,
        )
        await dependencies.ledger.run(
            transitions.create_jobs(
                [NewJob("a")], queue=Queue.INTERACTIVE, outbox="telegram", language="en", deadline_s=60, stored=False
            )
        )
        running = asyncio.create_task(consumer.run())
        async with asyncio.timeout(20):
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
        running.cancel()
        await consumer.stop()

    run_scenario(redis_url, scenario)
    assert started == ["a"]
