"""The numbers of the day that an admin asks for."""

from bot.dependencies import BotDependencies
from tests.bot.redis_fixture import play


def test_answers_are_counted_by_day_and_a_full_redis_only_costs_the_count(redis_url: str) -> None:
    async def scene(dependencies: BotDependencies) -> None:
        try:
            await dependencies.statistics.record_answers([("verdict", 0.0), ("refusal", 0.0), ("verdict", 0.0)])
            await dependencies.client.config_set("maxmemory", 1)
            await dependencies.statistics.record_answers([("verdict", 0.0)])
            await dependencies.client.config_set("maxmemory", 0)
            assert await dependencies.statistics.get_today() == {"verdict": 2, "refusal": 1}
            assert len(await dependencies.statistics.get_latencies()) == 3
        finally:
            await dependencies.client.config_set("maxmemory", 0)

    play(redis_url, scene)
