"""Fixtures of all tests: a real broker, started once. Also the plugins of the project and the profile of Hypothesis."""

from collections.abc import Iterator

import pytest
import structlog
from redis import Redis

from local.embedded_valkey import EmbeddedValkey
from tests.hypothesis_profiles import load_profile
from tests.shared.redis_client.refusals import RefusingValkey

load_profile()

pytest_plugins = ["tests.grouping", "tests.no_skips_in_ci"]


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


@pytest.fixture(autouse=True)
def loggers_follow_their_configuration(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loggers take no configuration over from a test that ran a command before.

    A logger that has cached its configuration is never changed again, so `capture_logs` would find nothing.
    """
    configure, before = structlog.configure, structlog.get_config()
    monkeypatch.setattr(
        structlog, "configure", lambda **options: configure(**(options | {"cache_logger_on_first_use": False}))
    )
    yield
    configure(**before)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RefusingValkey]:
    """A Valkey of the module's own that a test makes refuse commands."""
    with RefusingValkey(tmp_path_factory.mktemp("refusing")) as server:
        yield server
