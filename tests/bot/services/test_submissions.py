"""What the desk does with a photograph before anything is fetched."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from pydantic import SecretStr

from bot.dependencies import BotDependencies
from bot.services.submissions import SubmissionService
from bot.services.wait_estimate import WaitEstimator
from bot.storage import redis_keys
from bot.storage.photo_origin import PhotoOrigin
from bot.telegram.photo import PhotoFile
from shared.config.settings import Settings
from shared.contract.names import Queue, Stage
from shared.ledger import transitions
from shared.ledger.records import NewJob

MOLE = PhotoFile(file="F", unique="U", size=100_000)


def play(redis_url: str, scene: Callable[[BotDependencies, SubmissionService], Awaitable[None]]) -> None:
    async def run() -> None:
        settings = Settings(redis_url=SecretStr(redis_url), max_expected_wait_s=60)
        side = BotDependencies(settings)
        load = WaitEstimator(side.ledger)
        desk = SubmissionService(
            ledger=side.ledger, store=side.store, people=side.people, load=load, limits=side.limits, key=b"key"
        )
        await side.people.consent(7)
        await scene(side, desk)
        await side.close()

    asyncio.run(run())


def from_person(message: int) -> PhotoOrigin:
    return PhotoOrigin(chat=7, message=message, person=7, file="F")


async def said(side: BotDependencies) -> list[str]:
    await side.ledger.run(transitions.heartbeat("reader", lease_s=5))
    notes = await side.ledger.run(
        transitions.lease(Stage.RECEIVED, outbox=redis_keys.NOTES, limit=9, incarnation="reader")
    )
    return [json.loads(note.payload)["text"] for note in notes]


async def received(side: BotDependencies) -> int:
    client = side.client
    return int(await client.zcard(f"melanoma:received:{redis_keys.PHOTOGRAPHS}"))


def test_a_service_too_deep_in_work_says_when_to_come_back(redis_url: str) -> None:
    async def scene(side: BotDependencies, desk: SubmissionService) -> None:
        waiting = [NewJob(f"job-{number}") for number in range(119)]
        await side.ledger.run(
            transitions.create_jobs(
                waiting, queue=Queue.INTERACTIVE, outbox="x", language="en", deadline_s=900, stored=True
            )
        )
        await side.ledger.run(transitions.heartbeat("worker-1", lease_s=5, images_per_second=1))
        desk.load.counts = await side.ledger.run(transitions.get_counts())
        await desk.submit(MOLE, from_person(1), "en")
        assert "about 2 minutes" in (await said(side))[0]
        assert await received(side) == 0
        # A second worker, and it is soon enough.
        await side.ledger.run(transitions.heartbeat("worker-2", lease_s=5, images_per_second=9))
        desk.load.counts = await side.ledger.run(transitions.get_counts())
        await desk.submit(MOLE, from_person(2), "en")
        assert await received(side) == 1

    play(redis_url, scene)


def test_a_file_that_cannot_be_fetched_is_not_waited_for(redis_url: str) -> None:
    async def scene(side: BotDependencies, desk: SubmissionService) -> None:
        await desk.submit(PhotoFile(file="F", unique="U", size=21 * 2**20), from_person(1), "ru")
        assert "20 МБ" in (await said(side))[0]
        assert await received(side) == 0

    play(redis_url, scene)


def test_the_same_photograph_twice_is_one_job_and_another_message_is_another(redis_url: str) -> None:
    async def scene(side: BotDependencies, desk: SubmissionService) -> None:
        for message in (1, 1, 2):
            await desk.submit(MOLE, from_person(message), "en")
        assert await received(side) == 2

    play(redis_url, scene)
