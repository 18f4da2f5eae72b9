"""What a user deletes or cancels while it is downloaded leaves no image behind."""

from collections.abc import Awaitable, Callable
from typing import Any, BinaryIO

import pytest

from bot.app import create_services
from bot.background.photo_download import PhotoDownloader
from bot.dependencies import BotDependencies
from bot.storage.photo_origin import PhotoOrigin
from shared.broker.app import create_celery_app
from shared.broker.publisher import TaskPublisher
from shared.contract.names import Queue, Stage
from shared.ledger import transitions
from shared.ledger.records import NewJob
from tests.bot.redis_fixture import run_scenario

ORIGIN = PhotoOrigin(chat_id=7, message_id=1, user_id=7, file_id="F")
Meanwhile = Callable[[BotDependencies], Awaitable[None]]


class TelegramThatIsSlow:
    """Sends the bytes of a photo after something else has happened."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._meanwhile = meanwhile

    async def download(self, _: str, destination: BinaryIO) -> None:
        await self._meanwhile()
        destination.write(b"image")

    async def send_chat_action(self, *_: Any, **__: Any) -> None:
        """Show nothing."""


async def nothing(_: BotDependencies) -> None:
    """The user waits."""


async def delete_me(dependencies: BotDependencies) -> None:
    await create_services(dependencies, b"key").privacy.erase_user(7)


async def cancel(dependencies: BotDependencies) -> None:
    await dependencies.ledger.run(transitions.cancel(["a"], retention_s=60))
    await dependencies.store.delete(["a"])


async def fill_redis(dependencies: BotDependencies) -> None:
    client: Any = dependencies.client
    await client.config_set("maxmemory", 1)


async def download(
    dependencies: BotDependencies, redis_url: str, meanwhile: Meanwhile
) -> tuple[float | None, set[str], int]:
    """Download a photo. Returns when it is tried again, the keys of the image store, and the number of messages."""
    client: Any = dependencies.client
    await dependencies.users.record_consent(7)
    await dependencies.admission.admit("a", ORIGIN, "en", user_hash="hash")
    await dependencies.ledger.run(
        transitions.create_jobs(
            [NewJob("a", ORIGIN.model_dump_json())],
            queue=Queue.INTERACTIVE,
            outbox="telegram",
            language="en",
            deadline_s=60,
            stored=False,
        )
    )
    (job,) = await dependencies.ledger.run(
        transitions.lease(Stage.RECEIVED, outbox="telegram", limit=1, incarnation="bot-1")
    )
    bot: Any = TelegramThatIsSlow(lambda: meanwhile(dependencies))
    with create_celery_app(redis_url) as app:
        again_s = await PhotoDownloader(bot, dependencies, TaskPublisher(app)).download(job)
    keys = {key.decode() for key in await client.keys("melanoma:image:*")}
    return again_s, keys - {"melanoma:image:total"}, await client.llen(str(Queue.INTERACTIVE))


@pytest.mark.parametrize("meanwhile", [delete_me, cancel])
def test_an_image_that_no_job_needs_any_more_is_deleted(redis_url: str, meanwhile: Meanwhile) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        assert await download(dependencies, redis_url, meanwhile) == (None, set(), 0)
        client: Any = dependencies.client
        assert await client.get("melanoma:image:total") == b"0", "no space is reserved for it"

    run_scenario(redis_url, scenario)


def test_an_image_whose_user_waits_is_stored_and_its_message_published(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        assert await download(dependencies, redis_url, nothing) == (
            None,
            {"melanoma:image:bytes:a", "melanoma:image:sizes", "melanoma:image:expiry"},
            1,
        )

    run_scenario(redis_url, scenario)


def test_an_image_for_which_redis_has_no_space_is_offered_again(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        client: Any = dependencies.client
        try:
            again_s, keys, messages = await download(dependencies, redis_url, fill_redis)
        finally:
            await client.config_set("maxmemory", 0)
        assert again_s is not None
        assert (keys, messages) == (set(), 0)

    run_scenario(redis_url, scenario)
