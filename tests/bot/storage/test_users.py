"""Records of users in Redis."""

import pytest

from bot.dependencies import BotDependencies
from tests.bot.redis_fixture import run_scenario


@pytest.mark.parametrize("chosen", [None, "ru"])
def test_chosen_language_takes_precedence_over_telegrams_setting(redis_url: str, chosen: str | None) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        if chosen:
            await dependencies.users.set_language(7, chosen)
        assert await dependencies.users.get_language(7, "en") == (chosen or "en")

    run_scenario(redis_url, scenario)
