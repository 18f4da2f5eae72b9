"""Fixtures: a ledger whose Redis is the one of the settings."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from shared.config.settings import settings
from shared.ledger.ledger import Ledger
from shared.redis_client.retry import RedisRetry


@pytest.fixture
def client(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("REDIS_URL", redis_url)
    settings.cache_clear()
    with Redis.from_url(redis_url) as client:
        yield client
    settings.cache_clear()


@pytest.fixture
def ledger(client: Any) -> Ledger:
    return Ledger(client, RedisRetry("test"))
