"""Flower needs a login unless it listens on loopback, its command line does not contain the login, and no other page
of a browser that is logged in can command it.
"""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from local.embedded_valkey import EmbeddedValkey, free_port
from local.flower import flower_address, flower_command
from local.subprocesses import BackgroundProcess
from shared.config.settings import Settings, SettingsError
from shared.contract.names import Queue

LOGIN = {"Authorization": f"Basic {base64.b64encode(b'operator:secret').decode()}"}


@pytest.fixture(scope="module")
def flower(valkey: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running Flower with a login."""
    settings = Settings(
        redis_url=SecretStr(valkey.url), flower_port=free_port(), flower_login=SecretStr("operator:secret")
    )
    command, environment = flower_command(settings)
    log: Path = tmp_path_factory.mktemp("flower") / "flower.log"
    with BackgroundProcess(command, log=log, environment=environment) as process:
        deadline = time.monotonic() + 60
        while request(flower_address(settings), "/healthcheck")[0] != 200:
            assert process.returncode is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield flower_address(settings)


def request(
    address: str, path: str, headers: dict[str, str] | None = None, data: bytes | None = None
) -> tuple[int, str]:
    """The status and the body of a reply; 0 if there is none."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address + path, headers=headers or {}, data=data), timeout=20
        ) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        (LOGIN | {"Sec-Fetch-Site": "cross-site"}, 403),
        (LOGIN | {"Sec-Fetch-Site": "same-site"}, 403),
        (LOGIN | {"Origin": "https://example.org"}, 403),
        # There is no such worker.
        (LOGIN | {"Sec-Fetch-Site": "same-origin"}, 404),
    ],
    ids=["no login", "another site", "another port", "an old browser", "Flower's own page"],
)
def test_no_other_page_of_a_browser_that_is_logged_in_can_stop_a_worker(
    flower: str, headers: dict[str, str], status: int
) -> None:
    assert request(flower, "/api/worker/shutdown/worker-1", headers, data=b"")[0] == status


def test_flower_shows_the_queues_of_the_service_alone(flower: str) -> None:
    status, body = request(flower, "/api/queues/length", LOGIN)
    assert (status, {queue["name"] for queue in json.loads(body)["active_queues"]}) == (200, set(Queue))


def test_without_the_login_flower_gives_only_its_own_numbers(flower: str) -> None:
    assert request(flower, "/api/workers")[0] == 401
    assert request(flower, "/workers")[0] == 401
    assert request(flower, "/metrics")[0] == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_flower_on_loopback_needs_no_login(address: str) -> None:
    command, secrets = flower_command(Settings(flower_address=address))
    assert f"--address={address}" in command
    assert "FLOWER_BASIC_AUTH" not in secrets


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "example.org"])
def test_flower_on_another_address_needs_a_login(address: str) -> None:
    with pytest.raises(SettingsError, match="MELANOMA_FLOWER_LOGIN"):
        flower_command(Settings(flower_address=address))
    command, secrets = flower_command(Settings(flower_address=address, flower_login=SecretStr("user:secret")))
    assert secrets["FLOWER_BASIC_AUTH"] == "user:secret"
    assert not any("secret" in part for part in command)
