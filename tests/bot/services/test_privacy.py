"""Erasing a user's data."""

from typing import Any

from bot.app import create_services
from bot.dependencies import BotDependencies
from bot.storage import redis_keys
from bot.storage.messages.outgoing_message import OutgoingMessage, list_lines
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.status_target import AlbumTarget, JobTarget
from bot.storage.users import hash_user
from bot.telegram.photo import PhotoFile
from shared.contract.names import Stage
from shared.ledger import transitions
from tests.bot.redis_fixture import run_scenario

KEY = b"key"
HASH = hash_user(KEY, 7)


async def get_messages(dependencies: BotDependencies) -> list[OutgoingMessage]:
    """The messages that wait to be sent."""
    waiting = transitions.peek(Stage.RECEIVED, outbox=redis_keys.MESSAGE_OUTBOX, limit=9)
    return [OutgoingMessage.model_validate_json(job.payload) for job in await dependencies.ledger.run(waiting)]


def test_erase_user_deletes_albums_that_the_user_withdrew_before(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        services = create_services(dependencies, KEY)
        await dependencies.users.record_consent(7)
        origin = PhotoOrigin(chat_id=7, message_id=1, user_id=7, file_id="F", album_id="album")
        await services.submissions.submit(PhotoFile("F", "U", 1), origin, "en")
        assert await services.submissions.withdraw(7) == 1
        await services.privacy.erase_user(7)
        client: Any = dependencies.client
        assert await client.keys("melanoma:telegram:*") == [redis_keys.allowance(HASH).encode()]

    run_scenario(redis_url, scenario)


def test_erase_user_deletes_every_key_of_the_user_but_the_hashed_allowance(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        client: Any = dependencies.client
        services = create_services(dependencies, KEY)
        origin = PhotoOrigin(chat_id=7, message_id=1, user_id=7, file_id="F", album_id="album")
        await services.submissions.submit(PhotoFile("F", "before consent", 1), origin, "en")
        await dependencies.users.record_consent(7)
        await dependencies.users.set_language(7, "ru")
        await services.submissions.submit(PhotoFile("F", "U", 1), origin, "en")
        (id_,) = await dependencies.users.get_job_ids(7)
        await dependencies.store.put({id_: b"image"})
        await dependencies.status_messages.record(JobTarget(id_), 2)
        await dependencies.status_messages.record(AlbumTarget(7, "album"), 3)
        await dependencies.attempts.record_failure(id_)
        await dependencies.statistics.record_feedback("yes", id_)
        await services.messenger.enqueue(OutgoingMessage(chat_id=7, text="to the user"), "1")
        await services.privacy.erase_user(7)
        assert await dependencies.users.get_job_ids(7) == []
        assert await dependencies.store.get(id_) is None
        assert await dependencies.status_messages.get_due(limit=9, repeat_after_s=1) == []
        # The album's status message is about to be removed.
        assert await get_messages(dependencies) == [OutgoingMessage(chat_id=7, removed_message_ids=(3,))]
        left = {key.decode() for key in await client.keys("melanoma:telegram:*")}
        _, _, removals = list_lines(7)
        only_counts = {redis_keys.FEEDBACK, redis_keys.allowance(HASH)}
        assert left == only_counts | {redis_keys.message_line(removals)}
        assert len(await client.keys("melanoma:job:*")) == 1
        assert 0 < await client.ttl(redis_keys.allowance(HASH)) <= 86_401

    run_scenario(redis_url, scenario)
