"""A bot that cannot work ends with one sentence, and one that waits ends when it is told to."""

import asyncio
import time
from typing import Any

import pytest
from aiogram.exceptions import TelegramUnauthorizedError
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.app import run_bot
from bot.dependencies import BotDependencies
from bot.storage.bot_lease import BotLease
from bot.telegram.webhook import read_webhook
from local.embedded_valkey import free_port
from shared.config.settings import Settings, SettingsError
from shared.contract.names import BOT_READY_EVENT
from simulator.server import start_server
from simulator.state.state import SimulatorState
from tests.bot.live.live_bot import TOKEN
from tests.bot.redis_fixture import full_redis, run_scenario

REFUSED_TOKEN = "123:too-short-for-telegram"


async def run_refused_bot(redis_url: str, **settings: Any) -> None:
    """Run a bot whose token Telegram refuses."""
    runner, address = await start_server(SimulatorState(), "127.0.0.1", 0)
    config = Settings(
        redis_url=SecretStr(redis_url), bot_token=SecretStr(REFUSED_TOKEN), telegram_api_url=address, **settings
    )
    try:
        async with asyncio.timeout(60):
            await run_bot(config, asyncio.Event())
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("is_webhook", [False, True])
def test_bot_whose_token_is_refused_ends(redis_url: str, is_webhook: bool) -> None:
    port = free_port()
    webhook = {"webhook_url": f"http://127.0.0.1:{port}", "bot_port": port} if is_webhook else {}
    with capture_logs() as logs, pytest.raises(TelegramUnauthorizedError):
        asyncio.run(run_refused_bot(redis_url, **webhook))
    assert BOT_READY_EVENT not in [entry["event"] for entry in logs]


def test_bot_that_waits_for_redis_at_its_start_ends_when_it_is_told_to() -> None:
    async def run() -> None:
        stop = asyncio.Event()
        settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"), bot_token=SecretStr(TOKEN))
        running = asyncio.create_task(run_bot(settings, stop))
        await asyncio.sleep(0.5)
        assert not running.done()
        stopped_at = time.monotonic()
        stop.set()
        async with asyncio.timeout(30):
            await running
        assert time.monotonic() - stopped_at < 10

    asyncio.run(run())


def test_bot_starts_while_redis_is_full(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        runner, address = await start_server(SimulatorState(), "127.0.0.1", 0)
        settings = Settings(redis_url=SecretStr(redis_url), bot_token=SecretStr(TOKEN), telegram_api_url=address)
        stop = asyncio.Event()
        try:
            async with full_redis(dependencies), asyncio.timeout(60):
                with capture_logs() as logs:
                    running = asyncio.create_task(run_bot(settings, stop))
                    while not running.done() and BOT_READY_EVENT not in [entry["event"] for entry in logs]:
                        await asyncio.sleep(0.05)
                    stop.set()
                    await running
        finally:
            await runner.cleanup()
        assert [entry["event"] for entry in logs if entry["log_level"] in ("error", "critical")] == []

    run_scenario(redis_url, scenario)


@pytest.mark.parametrize("secret", ["a b", "ключ", "x" * 257, "semi;colon"])
def test_secret_that_telegram_would_refuse_stops_the_bot(secret: str) -> None:
    settings = Settings(webhook_url="https://example.org", bot_port=1, webhook_secret=SecretStr(secret))
    with pytest.raises(SettingsError, match=r"^MELANOMA_WEBHOOK_SECRET must have 1 to 256 characters of A-Z"):
        read_webhook(settings, TOKEN)


def test_second_bot_on_one_redis_is_refused_until_the_first_is_gone(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        first, replica, other = (BotLease(dependencies.client, dependencies.retry) for _ in range(3))
        await first.acquire(1)
        await replica.acquire(1)
        with pytest.raises(SettingsError, match=r"^REDIS_URL is in use by another bot \(1\)"):
            await other.acquire(2)
        await other.release()
        with pytest.raises(SettingsError):
            await other.acquire(2)
        await first.release()
        await other.acquire(2)

    run_scenario(redis_url, scenario)


def test_lease_of_a_bot_is_renewed_while_redis_is_full(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        async with full_redis(dependencies):
            lease = BotLease(dependencies.client, dependencies.retry)
            await lease.acquire(1)
            keeping = asyncio.create_task(lease.keep())
            await asyncio.sleep(0.2)
            assert not keeping.done()
            keeping.cancel()
            with pytest.raises(SettingsError):
                await BotLease(dependencies.client, dependencies.retry).acquire(2)

    run_scenario(redis_url, scenario)
