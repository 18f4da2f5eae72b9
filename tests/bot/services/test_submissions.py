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

MOLE = PhotoFile(file_id="F", unique_id="U", size_bytes=100_000)


def play(redis_url: str, scene: Callable[[BotDependencies, SubmissionService], Awaitable[None]]) -> None:
    async def run() -> None:
        settings = Settings(redis_url=SecretStr(redis_url), max_expected_wait_s=60)
        dependencies = BotDependencies(settings)
        load = WaitEstimator(dependencies.ledger)
        submissions = SubmissionService(
            ledger=dependencies.ledger,
            store=dependencies.store,
            users=dependencies.users,
            wait_estimator=load,
            overrides=dependencies.overrides,
            key=b"key",
        )
        await dependencies.users.record_consent(7)
        await scene(dependencies, submissions)
        await dependencies.close()

    asyncio.run(run())


def from_person(message: int) -> PhotoOrigin:
    return PhotoOrigin(chat_id=7, message_id=message, user_id=7, file_id="F")


async def said(dependencies: BotDependencies) -> list[str]:
    await dependencies.ledger.run(transitions.heartbeat("reader", lease_s=5))
    notes = await dependencies.ledger.run(
        transitions.lease(Stage.RECEIVED, outbox=redis_keys.MESSAGE_OUTBOX, limit=9, incarnation="reader")
    )
    return [json.loads(note.payload)["text"] for note in notes]


async def received(dependencies: BotDependencies) -> int:
    client = dependencies.client
    return int(await client.zcard(f"melanoma:received:{redis_keys.PHOTO_OUTBOX}"))


def test_a_service_too_deep_in_work_says_when_to_come_back(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies, submissions: SubmissionService) -> None:
        waiting = [NewJob(f"job-{number}") for number in range(119)]
        await dependencies.ledger.run(
            transitions.create_jobs(
                waiting, queue=Queue.INTERACTIVE, outbox="x", language="en", deadline_s=900, stored=True
            )
        )
        await dependencies.ledger.run(transitions.heartbeat("worker-1", lease_s=5, speed=1))
        submissions.wait_estimator.counts = await dependencies.ledger.run(transitions.get_counts())
        await submissions.submit(MOLE, from_person(1), "en")
        assert "about 2 minutes" in (await said(dependencies))[0]
        assert await received(dependencies) == 0
        # A second worker, and it is soon enough.
        await dependencies.ledger.run(transitions.heartbeat("worker-2", lease_s=5, speed=9))
        submissions.wait_estimator.counts = await dependencies.ledger.run(transitions.get_counts())
        await submissions.submit(MOLE, from_person(2), "en")
        assert await received(dependencies) == 1

    play(redis_url, scene)


def test_a_file_that_cannot_be_fetched_is_not_waited_for(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies, submissions: SubmissionService) -> None:
        await submissions.submit(PhotoFile(file_id="F", unique_id="U", size_bytes=21 * 2**20), from_person(1), "ru")
        assert "20 МБ" in (await said(dependencies))[0]
        assert await received(dependencies) == 0

    play(redis_url, scene)


def test_the_same_photograph_twice_is_one_job_and_another_message_is_another(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies, submissions: SubmissionService) -> None:
        for message in (1, 1, 2):
            await submissions.submit(MOLE, from_person(message), "en")
        assert await received(dependencies) == 2

    play(redis_url, scene)
