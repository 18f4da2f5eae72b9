"""A loop over an outbox: each job is worked on by one at a time, whatever the ledger thinks of its process."""

import asyncio
from typing import Any

from pydantic import SecretStr

from bot.background.outbox_consumer import OutboxConsumer
from bot.dependencies import BotDependencies
from shared.config.settings import Settings
from shared.contract.names import Queue, Stage
from shared.ledger import transitions
from shared.ledger.records import NewJob, OutboxJob
from shared.ledger.script_call import KEY_PREFIX

INCARNATION = "bot-1"


def test_a_bot_that_was_taken_for_dead_does_not_begin_again_what_it_has_in_hand(redis_url: str) -> None:
    begun: list[str] = []

    async def play() -> None:
        dependencies = BotDependencies(Settings(redis_url=SecretStr(redis_url)))
        client: Any = dependencies.client
        finish = asyncio.Event()

        async def work(job: OutboxJob) -> None:
            begun.append(job.id)
            await finish.wait()
            await dependencies.ledger.run(transitions.cancel([job.id]))

        async def waiting() -> int:
            return int(await client.zcard(f"{KEY_PREFIX}received:telegram"))

        loop = OutboxConsumer(
            dependencies.ledger,
            Stage.RECEIVED,
            outbox="telegram",
            incarnation=INCARNATION,
            wake_event=asyncio.Event(),
            slots=4,
            handler=work,
        )
        opened = transitions.create_jobs(
            [NewJob("a")], queue=Queue.INTERACTIVE, outbox="telegram", language="en", deadline_s=60, stored=False
        )
        await dependencies.ledger.run(opened)
        running = asyncio.create_task(loop.run())
        async with asyncio.timeout(20):
            while not begun:
                await asyncio.sleep(0.02)
            await client.zadd(f"{KEY_PREFIX}incarnations", {INCARNATION: 1})
            await dependencies.ledger.run(transitions.recovery_sweep(lease_s=5, grace_s=3, limit=10))
            assert await waiting() == 1, "it was taken away"
            while await waiting():
                await asyncio.sleep(0.02)
            finish.set()
            while await client.exists(f"{KEY_PREFIX}job:a"):
                await asyncio.sleep(0.02)
        running.cancel()
        await loop.stop()
        await dependencies.close()

    asyncio.run(play())
    assert begun == ["a"]
