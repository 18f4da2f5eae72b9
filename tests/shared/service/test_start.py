"""A process starts only on a Redis that lets it do its work, and stops while it waits for one."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from local.embedded_valkey import EmbeddedValkey, free_port
from shared.config.settings import Settings
from shared.ledger.script_call import KEY_PREFIX
from shared.redis_client.client import create_client
from shared.redis_client.retry import RedisAccessDenied, ShutdownRequested
from shared.service.client import ServiceClient
from shared.service.connections import AsyncServiceConnections, RedisUnsuitable, ServiceConnections
from tests.shared.redis_client.valkey_with_options import cluster_node

LEDGER_RIGHTS = ("~*", "&*", "+@all", "-@dangerous", "-@admin")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """The Redis of the images, with users of fewer rights."""
    with EmbeddedValkey(tmp_path_factory.mktemp("store")) as server, create_client(server.url) as operator:
        users = {
            "everything": ["~*", "+@all"],
            "reader": ["~*", "+mget", "+get"],
            "blind": ["~*", "+@write", "+eval", "+evalsha", "+script", "+time", "+hget", "+zrangebyscore"],
            "elsewhere": ["~other:*", "+@all"],
        }
        for name, rights in users.items():
            operator.execute_command("ACL", "SETUSER", name, "on", ">right", *rights)
        yield server


def config_of(redis_url: str, store_url: str) -> Settings:
    return Settings(redis_url=SecretStr(redis_url), image_store_url=SecretStr(store_url))


def as_user(server: EmbeddedValkey, user: str, password: str = "right") -> str:
    return server.url.replace("redis://", f"redis://{user}:{password}@")


def check(config: Settings, *, stores_images: bool) -> None:
    with ServiceConnections(config, stop=threading.Event()) as connections:
        connections.check(stores_images=stores_images)


@pytest.mark.parametrize(("user", "stores_images"), [("everything", True), ("everything", False), ("reader", False)])
def test_check_passes_where_a_process_may_do_its_work(
    redis_url: str, store: EmbeddedValkey, user: str, *, stores_images: bool
) -> None:
    check(config_of(redis_url, as_user(store, user)), stores_images=stores_images)
    with create_client(store.url) as client:
        assert client.keys("*bytes*") == [], "nothing is left"


@pytest.mark.parametrize(
    ("user", "password", "stores_images"),
    [
        ("everything", "wrong", False),
        ("nobody", "right", False),
        ("blind", "right", False),
        ("elsewhere", "right", False),
        ("reader", "right", True),
        ("blind", "right", True),
    ],
)
def test_check_names_the_setting_of_an_image_store_that_refuses(
    redis_url: str, store: EmbeddedValkey, user: str, password: str, *, stores_images: bool
) -> None:
    config = config_of(redis_url, as_user(store, user, password))
    with pytest.raises(RedisAccessDenied, match="MELANOMA_IMAGE_STORE_URL") as denied:
        check(config, stores_images=stores_images)
    assert "right" not in str(denied.value).replace("right ", "")
    assert "wrong" not in str(denied.value)


def test_check_passes_while_the_image_store_is_full(redis_url: str, store: EmbeddedValkey) -> None:
    with create_client(store.url) as operator:
        operator.config_set("maxmemory", 1)
        try:
            check(config_of(redis_url, store.url), stores_images=True)
        finally:
            operator.config_set("maxmemory", 0)


def test_service_client_asks_the_image_store_before_it_registers(
    redis_url: str, store: EmbeddedValkey, client: Any
) -> None:
    config = config_of(redis_url, as_user(store, "reader"))
    with pytest.raises(RedisAccessDenied), ServiceClient(config, role="bulk", stop=threading.Event()):
        pass
    assert [key for key in client.keys(f"{KEY_PREFIX}*") if b"version" not in key] == []


def test_a_user_without_info_and_admin_commands_is_enough(redis_url: str, client: Any) -> None:
    client.execute_command("ACL", "SETUSER", "service", "on", ">right", *LEDGER_RIGHTS)
    try:
        config = Settings(redis_url=SecretStr(redis_url.replace("redis://", "redis://service:right@")))
        with ServiceClient(config, role="bulk", stop=threading.Event()):
            pass
    finally:
        client.acl_deluser("service")


@pytest.fixture(scope="module")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cluster_node(tmp_path_factory.mktemp("cluster")) as url:
        yield url


def test_a_redis_cluster_is_refused_in_one_sentence(redis_url: str, cluster_url: str) -> None:
    for config, setting in (
        (Settings(redis_url=SecretStr(cluster_url)), "REDIS_URL"),
        (config_of(redis_url, cluster_url), "MELANOMA_IMAGE_STORE_URL"),
    ):
        with pytest.raises(RedisUnsuitable, match=f"belongs to a Redis Cluster, .* let {setting} name") as refused:
            check(config, stores_images=True)
        assert str(refused.value).count(". ") == 0


@pytest.mark.parametrize("setting", ["redis_url", "image_store_url"])
def test_a_wrong_address_names_its_setting(redis_url: str, setting: str) -> None:
    config = config_of(redis_url, redis_url).model_copy(update={setting: SecretStr("redis://host/ledger")})
    variable = "REDIS_URL" if setting == "redis_url" else "MELANOMA_IMAGE_STORE_URL"
    with pytest.raises(RedisUnsuitable, match=f"^setting {variable} is not the address of a Redis"):
        ServiceConnections(config)
    with pytest.raises(RedisUnsuitable, match=f"^setting {variable} is not the address of a Redis"):
        AsyncServiceConnections(config)


def test_a_start_that_waits_for_redis_ends_when_the_process_is_stopped() -> None:
    config = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"))
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(ShutdownRequested), ServiceClient(config, role="bot", stop=stop):
        pass
