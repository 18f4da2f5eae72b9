"""Statistics for /stats."""

from bot.dependencies import BotDependencies
from tests.bot.redis_fixture import full_redis, run_scenario


def test_statistics_count_answers_by_day_and_a_full_redis_loses_only_the_count(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        await dependencies.statistics.record_answers([("verdict", 0.0), ("refusal", 0.0), ("verdict", 0.0)])
        async with full_redis(dependencies):
            await dependencies.statistics.record_answers([("verdict", 0.0)])
        assert await dependencies.statistics.get_today() == {"verdict": 2, "refusal": 1}
        assert len(await dependencies.statistics.get_latencies()) == 3

    run_scenario(redis_url, scenario)
