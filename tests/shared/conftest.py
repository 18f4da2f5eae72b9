"""Fixtures of the tests of `shared`."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from shared.ledger.ledger import Ledger
from shared.redis_client.retry import RedisRetry


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def ledger(client: Any) -> Ledger:
    return Ledger(client, RedisRetry("test"))
