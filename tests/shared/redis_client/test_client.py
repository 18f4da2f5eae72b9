"""Clients of every supported address, and one sentence for an address that is none."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from shared.broker.app import create_celery_app, kombu_url
from shared.broker.publisher import TaskPublisher
from shared.contract.names import Queue
from shared.ledger.records import PendingDispatch
from shared.redis_client.client import create_async_client, create_client, display_address
from tests.shared.redis_client.valkey_with_options import ValkeyWithOptions

#: The password, which a URL must escape.
UNESCAPED = "se/cret"


@pytest.fixture(scope="module")
def socket_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("socket")
    path = directory / "valkey.sock"
    with ValkeyWithOptions(directory, unixsocket=str(path)) as server, create_client(server.url) as operator:
        operator.config_set("requirepass", UNESCAPED)
        yield f"unix://:se%2Fcret@{path}?db=1"


def test_client_uses_a_unix_socket(socket_url: str) -> None:
    with create_client(socket_url) as client:
        client.set("name", "value")
        assert client.client_info()["db"] == 1


def test_async_client_uses_a_unix_socket(socket_url: str) -> None:
    async def run() -> Any:
        async with create_async_client(socket_url) as client:
            return await client.client_info()

    assert asyncio.run(run())["db"] == 1


def test_messages_are_published_through_a_unix_socket(socket_url: str) -> None:
    with create_client(socket_url) as client, create_celery_app(socket_url) as app:
        TaskPublisher(app).publish([PendingDispatch(Queue.BULK, "job")])
        assert client.llen("bulk") == 1


def test_address_of_a_socket_is_its_path(socket_url: str) -> None:
    assert display_address(socket_url).endswith("/valkey.sock")
    assert UNESCAPED not in str(create_celery_app(socket_url).connection())


@pytest.mark.parametrize("url", ["redis://:secret@host:6380/2", "rediss://host"])
def test_kombu_takes_other_addresses_as_they_are(url: str) -> None:
    assert kombu_url(url) == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "it must begin with redis, rediss, unix or sentinel"),
        ("user:secret@host:6379", "it must begin with"),
        ("http://host", "it must begin with"),
        ("redis://host:port", "Port"),
        ("redis://host:99999", "Port"),
        ("redis://host/ledger", "'ledger' is not the number of a database"),
        ("sentinel://host/name?db=ledger", "'ledger' is not the number of a database"),
        ("sentinel://host", "hosts and the name"),
        ("redis://host?sockettimeout=2", "'sockettimeout' is not an option"),
        ("rediss://host?ssl_cert_reqs=maybe", "maybe"),
        ("rediss://host?ssl_ca_certs=/none/ca.crt", r"ssl_ca_certs=/none/ca.crt cannot be read \(No such file"),
        ("unix://", "a socket needs its path"),
    ],
)
def test_a_wrong_address_is_refused_before_anything_is_sent(url: str, problem: str) -> None:
    for create in (create_client, create_async_client):
        with pytest.raises(ValueError, match=problem) as refused:
            create(url)
        assert "secret" not in str(refused.value)
