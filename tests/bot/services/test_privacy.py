"""Erasing a user's data."""

from typing import Any

from bot.dependencies import BotDependencies
from bot.services.privacy import PrivacyService
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.status_target import JobTarget
from shared.contract.names import Queue
from shared.ledger import transitions
from shared.ledger.records import NewJob
from tests.bot.redis_fixture import run_scenario


def test_erase_user_deletes_every_key_of_the_user(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        client: Any = dependencies.client
        origin = PhotoOrigin(chat_id=7, message_id=1, user_id=7, file_id="F")
        await dependencies.admission.admit("before-consent", origin, "en")
        await dependencies.users.record_consent(7)
        await dependencies.users.set_language(7, "ru")
        await dependencies.admission.admit("a", origin, "en")
        jobs = [NewJob("a", origin.model_dump_json())]
        await dependencies.ledger.run(
            transitions.create_jobs(
                jobs, queue=Queue.INTERACTIVE, outbox="telegram", language="ru", deadline_s=60, stored=False
            )
        )
        await dependencies.store.put({"a": b"image"})
        await dependencies.status_messages.record(JobTarget("a"), 2)
        await dependencies.attempts.record_failure("a")
        await dependencies.statistics.record_feedback("yes", "a")
        await PrivacyService(dependencies.ledger, dependencies.store, dependencies.users).erase_user(7)
        assert await dependencies.users.get_job_ids(7) == []
        assert await dependencies.store.get("a") is None
        assert await dependencies.status_messages.get_due(limit=9, repeat_after_s=1) == []
        left = {key.decode() for key in await client.keys("melanoma:telegram:*")}
        assert left == {"melanoma:telegram:feedback"}, "only the count without a user is kept"

    run_scenario(redis_url, scenario)
