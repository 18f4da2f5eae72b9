"""The doctor's checks on a real Redis, with settings that are right and wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis

from local.embedded_valkey import EmbeddedValkey
from ops.doctor.check_result import Level
from ops.doctor.checks import run_checks
from shared.config.settings import Settings, settings
from shared.contract.names import BOT_ID_KEY, CONTRACT_VERSION, LEDGER_VERSION
from shared.ledger import admin, transitions
from shared.ledger.ledger import Ledger
from shared.redis_client.retry import RedisRetry
from tests.ops.harness import run_ops
from tests.shared.redis_client.refusals import RefusingValkey
from tests.shared.redis_client.valkey_with_options import cluster_node


def levels(config: Settings) -> dict[str, Level]:
    """The level of each result, by its text."""
    return {f"{result.subject}: {result.message} {result.remedy}": result.level for result in run_checks(config)}


def level_of(config: Settings, text: str) -> Level:
    """The highest level of the results that contain `text`."""
    results = levels(config)
    matching = [level for result, level in results.items() if text in result]
    assert matching, f"{text!r} is not in {list(results)}"
    return max(matching, key=list(Level).index)


def test_doctor_finds_what_would_lose_photographs(redis_url: str, client: Any) -> None:
    config = Settings(redis_url=SecretStr(redis_url))
    assert level_of(config, "Set appendonly yes") is Level.PROBLEM
    assert level_of(config, "none is alive") is Level.PROBLEM
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert level_of(config, "noeviction") is Level.PROBLEM
    finally:
        client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 100)
    try:
        assert level_of(config, "of its memory is used") is Level.PROBLEM
    finally:
        client.config_set("maxmemory", 0)
    run_ops("pause", "bulk")
    assert level_of(config, "melanoma-ops resume bulk") is Level.WARNING


def test_doctor_reports_no_problem_of_a_healthy_service(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey", persistent=True, max_memory_bytes=2**27, password="right") as broker:
        config = Settings(redis_url=SecretStr(broker.url))
        with Redis.from_url(broker.url) as client:
            ledger = Ledger(client, RedisRetry("test"))
            ledger.run(transitions.heartbeat("worker-1", lease_s=30))
            serving = {"artefact": "one@1", "runtime": "jax", "device": "CPU:0", "contract": CONTRACT_VERSION}
            serving |= {"oom_kills": 2, "cpu_throttled": 0.834}
            ledger.run(admin.report_status("worker-1", json.dumps(serving)))
        results = levels(config)
        assert Level.PROBLEM not in results.values(), results
        assert level_of(config, "1 serving one@1 with jax on CPU:0") is Level.OK
        assert level_of(config, "the kernel has killed 2 of the processes") is Level.WARNING
        assert level_of(config, "was held back by its CPU limit in 83% of the last minute") is Level.WARNING
        refused = Settings(redis_url=SecretStr(broker.url.replace("right", "mistaken")))
        assert level_of(refused, "refuses the user or password") is Level.PROBLEM
        assert "mistaken" not in str(levels(refused))


def test_doctor_names_a_ledger_of_another_version(client: Any) -> None:
    client.set("melanoma:version", LEDGER_VERSION + 1)
    assert level_of(settings(), f"has version {LEDGER_VERSION + 1}") is Level.PROBLEM


def test_doctor_checks_artefact_and_token_without_showing_the_token(tmp_path: Path, redis_url: str) -> None:
    config = Settings(
        redis_url=SecretStr(redis_url),
        artefact=tmp_path,
        bot_token=SecretStr("123:secret"),
        telegram_api_url="http://127.0.0.1:1",
        image_ttl_s=60,
    )
    assert level_of(config, "MELANOMA_ARTEFACT") is Level.PROBLEM
    assert level_of(config, "cannot be reached") is Level.PROBLEM
    assert level_of(config, "MELANOMA_IMAGE_TTL_S") is Level.PROBLEM
    assert "secret" not in str(levels(config))


def test_doctor_compares_the_token_with_the_bot_that_uses_the_redis(redis_url: str, client: Any) -> None:
    config = Settings(
        redis_url=SecretStr(redis_url), bot_token=SecretStr("123:secret"), telegram_api_url="http://127.0.0.1:1"
    )
    assert level_of(config, "bot: none uses this Redis") is Level.WARNING
    client.set(BOT_ID_KEY, "456")
    assert level_of(config, "the bot 456 uses this Redis, but BOT_TOKEN belongs to the bot 123") is Level.PROBLEM
    client.set(BOT_ID_KEY, "123")
    assert level_of(config, "the bot 123 of BOT_TOKEN uses this Redis") is Level.OK
    assert "secret" not in str(levels(config))
    for token in (None, SecretStr("secret"), SecretStr("sec:ret")):
        other = Settings(redis_url=SecretStr(redis_url), bot_token=token, telegram_api_url="http://127.0.0.1:1")
        assert not any(text.startswith("bot: ") for text in levels(other))


def test_doctor_exits_with_1_on_a_problem(client: Any) -> None:
    result = run_ops("doctor")
    assert result.exit_code == 1
    assert "problem  workers: none is alive" in result.output


def worst(config: Settings) -> list[str]:
    """The results that are problems."""
    return [text for text, level in levels(config).items() if level is Level.PROBLEM]


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        ("max_clients", "refuses calls for now: it has as many clients as its maxclients allows"),
        ("misconf", "refuses calls for now: it cannot write to its disk"),
        ("noreplicas", "it has fewer replicas than its min-replicas-to-write asks for"),
        ("readonly", "is a replica, which takes no writes Name the master"),
    ],
)
def test_doctor_tells_a_refusal_from_silence(refusing: RefusingValkey, refusal: str, message: str) -> None:
    config = Settings(redis_url=SecretStr(refusing.url))
    with refusing.refuse(refusal):
        assert level_of(config, message) is Level.PROBLEM
        assert "does not answer" not in str(worst(config))


def test_doctor_warns_before_the_last_client_is_connected(refusing: RefusingValkey) -> None:
    config = Settings(redis_url=SecretStr(refusing.url))
    assert "clients are connected" not in str(worst(config))
    refusing.operator.config_set("maxclients", 10)
    try:
        assert level_of(config, "of 10 clients are connected, and a worker needs") is Level.PROBLEM
    finally:
        refusing.operator.config_set("maxclients", 10_000)


def test_doctor_does_not_blame_the_password_of_a_user_without_info(redis_url: str, client: Any) -> None:
    client.execute_command("ACL", "SETUSER", "service", "on", ">right", "~*", "&*", "+@all", "-@dangerous", "-@admin")
    try:
        config = Settings(redis_url=SecretStr(redis_url.replace("redis://", "redis://service:right@")))
        assert level_of(config, "its user may not use INFO") is Level.WARNING
        assert "user or password" not in str(levels(config))
        assert level_of(config, "none is alive") is Level.PROBLEM
    finally:
        client.acl_deluser("service")


def test_doctor_finds_an_image_store_that_refuses_reads(redis_url: str, refusing: RefusingValkey) -> None:
    refusing.operator.execute_command("ACL", "SETUSER", "blind", "on", ">right", "~*", "+@all", "-mget", "-get")
    store_url = refusing.url.replace("redis://", "redis://blind:right@")
    config = Settings(redis_url=SecretStr(redis_url), image_store_url=SecretStr(store_url))
    assert level_of(config, "does not allow the user of MELANOMA_IMAGE_STORE_URL") is Level.PROBLEM


def test_doctor_refuses_a_redis_cluster(tmp_path: Path) -> None:
    with cluster_node(tmp_path) as url:
        assert level_of(Settings(redis_url=SecretStr(url)), "belongs to a Redis Cluster") is Level.PROBLEM


@pytest.mark.parametrize("url", ["unix:///no/valkey.sock", "rediss://127.0.0.1?ssl_ca_certs=/no/ca.crt", "nonsense"])
def test_doctor_reports_each_address_once(url: str) -> None:
    problems = [problem for problem in worst(Settings(redis_url=SecretStr(url))) if "workers" not in problem]
    assert len([problem for problem in problems if problem.startswith("ledger")]) == 1
    assert "service" not in str(problems)
