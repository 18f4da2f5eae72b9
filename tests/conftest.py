"""Fixtures of all tests: a real broker, started once. Also the profile of Hypothesis, and the order of the tests."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import structlog
from redis import Redis

from local.embedded_valkey import EmbeddedValkey
from tests.hypothesis_profiles import load_profile
from tests.shared.redis_client.refusals import RefusingValkey

load_profile()

pytest_plugins = ["tests.no_skips_in_ci"]

#: The longest kinds of tests first. Last, they would leave one process with much to do and the others with nothing.
_LONGEST_FIRST: Final = ("long", "system", "slow")


# Before xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by kind, and let those that share a fixture run in one process.

    `make test` distributes single tests. Without a group, a fixture of a module is made in each process.
    """
    for item in items:
        if _shares_a_fixture(item):
            item.add_marker(pytest.mark.xdist_group(item.path.as_posix()))
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return next(
        (rank for rank, kind in enumerate(_LONGEST_FIRST) if item.get_closest_marker(kind)), len(_LONGEST_FIRST)
    )


def _shares_a_fixture(item: Any) -> bool:
    if any(item.iter_markers("xdist_group")):
        return False
    definitions = item._fixtureinfo.name2fixturedefs.values()
    return any(definition[-1].scope in ("module", "package") for definition in definitions)


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
