"""Photos beyond the allowance are noted without being handled, and nothing else is taken."""

from typing import Any

from bot.app import create_services
from bot.dependencies import BotDependencies
from bot.storage.admission import Admission
from bot.storage.photo_origin import PhotoOrigin
from bot.telegram.photo import PhotoFile
from tests.bot.redis_fixture import full_redis, run_scenario

USER = 7


def update(message_id: int, *, user_id: int = USER, chat_type: str = "private", **content: object) -> dict[str, Any]:
    chat = {"id": user_id, "type": chat_type}
    return {"update_id": message_id, "message": {"message_id": message_id, "chat": chat, **content}}


async def use_up_allowance(dependencies: BotDependencies) -> Any:
    """Send three photos, of which one is admitted. Returns the services."""
    services = create_services(dependencies, b"key")
    await dependencies.users.record_consent(USER)
    for message_id in (1, 2, 3):
        origin = PhotoOrigin(chat_id=USER, message_id=message_id, user_id=USER, file_id="F")
        await services.submissions.submit(PhotoFile("F", "U", 1), origin, "en")
    return services


def test_photos_of_a_user_without_allowance_are_noted_for_the_notice(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        services = await use_up_allowance(dependencies)
        others = [
            update(5, text="/cancel"),
            update(6, user_id=8, photo=[]),
            update(7, chat_type="group", photo=[]),
            {"update_id": 8, "callback_query": {}},
            {"update_id": 9, "message": {"chat": "of a coming release"}},
        ]
        assert await services.overflow.take([update(4, photo=[]), *others, update(10, photo=[])]) == others
        burst = await dependencies.unanswered.get_burst(USER, USER, Admission.TOO_FAST)
        assert burst.message_ids == (2, 3, 4, 10)

    run_scenario(redis_url, scenario, user_burst=1, user_per_minute=1)


def test_photos_are_handled_while_redis_takes_no_writes(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        services = await use_up_allowance(dependencies)
        photos = [update(4, photo=[])]
        async with full_redis(dependencies):
            assert await services.overflow.take(photos) == photos

    run_scenario(redis_url, scenario, user_burst=1, user_per_minute=1)
