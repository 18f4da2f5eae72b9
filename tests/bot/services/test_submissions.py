"""Photos are admitted and become jobs, or their users get a message."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from pydantic import SecretStr

from bot.app import create_services
from bot.dependencies import BotDependencies
from bot.services.submissions import SubmissionService
from bot.services.wait_estimate import WaitEstimator
from bot.storage import redis_keys
from bot.storage.photo_origin import PhotoOrigin
from bot.telegram.photo import PhotoFile
from shared.config.settings import Settings
from shared.contract.names import Queue, Stage
from shared.ledger import admin, transitions
from shared.ledger.records import NewJob

PHOTO = PhotoFile(file_id="F", unique_id="U", size_bytes=100_000)

Scenario = Callable[[BotDependencies, SubmissionService, WaitEstimator], Awaitable[None]]


def run_scenario(redis_url: str, scenario: Scenario, *, consent: bool = True) -> None:
    async def run() -> None:
        dependencies = BotDependencies(Settings(redis_url=SecretStr(redis_url), max_expected_wait_s=60))
        services = create_services(dependencies, b"key")
        if consent:
            await dependencies.users.record_consent(7)
        await scenario(dependencies, services.submissions, services.background.wait_estimator)
        await dependencies.close()

    asyncio.run(run())


def make_origin(message_id: int, **fields: object) -> PhotoOrigin:
    return PhotoOrigin.model_validate({"chat_id": 7, "message_id": message_id, "user_id": 7, "file_id": "F", **fields})


async def get_notices(dependencies: BotDependencies) -> list[str]:
    await dependencies.ledger.run(transitions.heartbeat("reader", lease_s=5))
    jobs = await dependencies.ledger.run(
        transitions.lease(Stage.RECEIVED, outbox=redis_keys.MESSAGE_OUTBOX, limit=9, incarnation="reader")
    )
    return [json.loads(job.payload)["notice"]["reason"] for job in jobs]


async def count_received(dependencies: BotDependencies) -> int:
    return int(await dependencies.client.zcard(f"melanoma:received:{redis_keys.PHOTO_OUTBOX}"))


def test_submit_rejects_a_photo_if_the_wait_is_too_long(redis_url: str) -> None:
    async def scenario(
        dependencies: BotDependencies, submissions: SubmissionService, wait_estimator: WaitEstimator
    ) -> None:
        waiting = [NewJob(f"job-{number}") for number in range(119)]
        await dependencies.ledger.run(
            transitions.create_jobs(
                waiting, queue=Queue.INTERACTIVE, outbox="x", language="en", deadline_s=900, stored=True
            )
        )
        await dependencies.ledger.run(transitions.heartbeat("worker-1", lease_s=5, images_per_second=1))
        wait_estimator.counts = await dependencies.ledger.run(transitions.get_counts())
        await submissions.submit(PHOTO, make_origin(1), "en")
        assert await get_notices(dependencies) == ["service-busy"]
        assert await count_received(dependencies) == 0
        # With a second worker the wait is short enough.
        await dependencies.ledger.run(transitions.heartbeat("worker-2", lease_s=5, images_per_second=9))
        wait_estimator.counts = await dependencies.ledger.run(transitions.get_counts())
        await submissions.submit(PHOTO, make_origin(2), "en")
        assert await count_received(dependencies) == 1

    run_scenario(redis_url, scenario)


def test_wait_is_unknown_while_an_operator_has_paused_the_queue(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies, _: SubmissionService, wait_estimator: WaitEstimator) -> None:
        await dependencies.ledger.run(transitions.heartbeat("worker-1", lease_s=5, images_per_second=1))
        for pause, wait_s in ((admin.pause, None), (admin.resume, 1)):
            await dependencies.ledger.run(pause(Queue.INTERACTIVE))
            wait_estimator.counts = await dependencies.ledger.run(transitions.get_counts())
            assert wait_estimator.wait_s() == wait_s

    run_scenario(redis_url, scenario)


def test_submit_rejects_a_file_that_telegram_will_not_serve(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies, submissions: SubmissionService, _: WaitEstimator) -> None:
        photo = PhotoFile(file_id="F", unique_id="U", size_bytes=21 * 2**20)
        await submissions.submit(photo, make_origin(1), "ru")
        assert await get_notices(dependencies) == ["too-large"]
        assert await count_received(dependencies) == 0

    run_scenario(redis_url, scenario)


def test_submit_opens_one_job_for_a_repeated_update_and_another_for_another_message(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies, submissions: SubmissionService, _: WaitEstimator) -> None:
        for message_id in (1, 1, 2):
            await submissions.submit(PHOTO, make_origin(message_id), "en")
        assert await count_received(dependencies) == 2

    run_scenario(redis_url, scenario)


def test_photos_before_consent_are_submitted_once_it_is_given(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies, submissions: SubmissionService, _: WaitEstimator) -> None:
        for message_id in (1, 2):
            await submissions.submit(PHOTO, make_origin(message_id, album_id="13"), "en")
        assert await get_notices(dependencies) == ["no-consent"]
        assert await count_received(dependencies) == 0
        await dependencies.users.record_consent(7)
        assert await submissions.submit_pending_photos(7, "en") == 2
        assert await count_received(dependencies) == 2
        assert await submissions.submit_pending_photos(7, "en") == 0

    run_scenario(redis_url, scenario, consent=False)
