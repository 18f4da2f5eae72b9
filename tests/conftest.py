"""Fixtures of all tests: a real broker, started once."""

from collections.abc import Iterator

import pytest
from redis import Redis

from local.embedded_valkey import EmbeddedValkey


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """An embedded Valkey on a free port, without persistence."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def redis_url(valkey: EmbeddedValkey) -> str:
    """URL of that server, emptied for each test."""
    with Redis.from_url(valkey.url) as client:
        client.flushall()
    return valkey.url
