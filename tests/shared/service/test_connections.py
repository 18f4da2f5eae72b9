"""A process starts only on a ledger of its own version."""

import threading
from typing import Any

import pytest
from pydantic import SecretStr

from shared.config.settings import Settings
from shared.contract.names import LEDGER_VERSION
from shared.ledger.script_call import KEY_PREFIX
from shared.service.client import ServiceClient
from shared.service.connections import LedgerVersionError, ServiceConnections

VERSION = f"{KEY_PREFIX}version"


@pytest.fixture
def config(redis_url: str) -> Settings:
    return Settings(redis_url=SecretStr(redis_url))


def check(config: Settings) -> None:
    with ServiceConnections(config) as connections:
        connections.check_ledger()


def test_check_ledger_gives_a_new_ledger_our_version(config: Settings, client: Any) -> None:
    check(config)
    assert int(client.get(VERSION)) == LEDGER_VERSION
    check(config)


@pytest.mark.parametrize("version", [LEDGER_VERSION - 1, LEDGER_VERSION + 1])
def test_check_ledger_refuses_another_version_in_one_sentence(config: Settings, client: Any, version: int) -> None:
    client.set(VERSION, version)
    with pytest.raises(
        LedgerVersionError, match=f"has version {version}, .* needs version {LEDGER_VERSION}"
    ) as refused:
        check(config)
    assert str(refused.value).count(". ") == 0
    assert int(client.get(VERSION)) == version, "it stays what it was"


def test_check_ledger_knows_a_ledger_of_version_1_which_holds_no_version(config: Settings, client: Any) -> None:
    client.set(f"{KEY_PREFIX}swept_at", 1)
    with pytest.raises(LedgerVersionError, match="has version 1,"):
        check(config)
    assert not client.exists(VERSION)


def test_service_client_sends_no_heartbeat_to_another_version(config: Settings, client: Any) -> None:
    client.set(VERSION, LEDGER_VERSION + 1)
    service = ServiceClient(config, role="bulk", stop=threading.Event())
    with pytest.raises(LedgerVersionError), service:
        pass
    assert client.keys(f"{KEY_PREFIX}*") == [VERSION.encode()]
