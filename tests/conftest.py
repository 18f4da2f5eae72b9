"""Fixtures of all tests: a real broker, started once."""

from collections.abc import Iterator

import pytest
from redis import Redis

from local.embedded_valkey import EmbeddedValkey
from tests.shared.redis_client.refusals import RefusingValkey


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


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RefusingValkey]:
    """A Valkey of the module's own that a test makes refuse commands."""
    with RefusingValkey(tmp_path_factory.mktemp("refusing")) as server:
        yield server
