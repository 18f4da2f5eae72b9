"""What keeps the service from starting is said in one sentence before anything starts."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from local import up
from local.cli import main
from local.embedded_valkey import EmbeddedValkey, free_port
from local.flower import flower_command
from local.preflight import (
    check_port,
    check_redis,
    has_configured_redis,
    lock_directory,
    read_settings,
    settle_flower_port,
)
from shared.config.settings import Settings, SettingsError, settings


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory without settings from outside."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("MELANOMA_", "REDIS_URL", "BOT_TOKEN", "FLOWER_")):
            monkeypatch.delenv(name)
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("variable", "place"),
    [
        *((name, "environment") for name in ("REDIS_URL", "MELANOMA_REDIS_URL")),
        *((name, "environment") for name in ("REDIS_URL_FILE", "MELANOMA_REDIS_URL_FILE")),
        *((name, ".env") for name in ("REDIS_URL", "MELANOMA_REDIS_URL")),
    ],
)
def test_a_redis_is_configured_by_each_variable(
    directory: Path, monkeypatch: pytest.MonkeyPatch, variable: str, place: str
) -> None:
    value = "redis://10.0.0.1:6379/0"
    if variable.endswith("_FILE"):
        (directory / "secret").write_text(value)
        value = str(directory / "secret")
    if place == ".env":
        (directory / ".env").write_text(f"{variable}={value}\n")
    else:
        monkeypatch.setenv(variable, value)
    config = read_settings()
    assert has_configured_redis(config)
    assert config.ledger_url == "redis://10.0.0.1:6379/0"


def test_no_redis_is_configured_without_a_value(directory: Path) -> None:
    assert not has_configured_redis(read_settings())
    (directory / ".env").write_text("REDIS_URL=\nMELANOMA_ADMINS=1\n")
    assert not has_configured_redis(read_settings())


class Started(Exception):
    """Raised in place of supervisord."""


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    def start(*_: object) -> None:
        raise Started

    monkeypatch.setattr(os, "execv", start)
    monkeypatch.setattr(sys, "argv", ["melanoma-local", *arguments])
    environment = dict(os.environ)
    try:
        main()
    finally:
        os.environ.clear()
        os.environ.update(environment)


def test_up_uses_the_redis_of_the_env_file(
    directory: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / ".env").write_text(f"REDIS_URL={redis_url}\n")
    with pytest.raises(Started):
        run(monkeypatch, "up", "--workers", "3")
    configuration = (directory / ".local" / "supervisord.conf").read_text()
    assert '"--processes" "3"' in configuration.split("[program:worker]")[1].partition("[")[0]
    assert "[program:valkey]" not in configuration
    assert redis_url.removeprefix("redis://") in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("REDIS_URL", "localhost:6379", "REDIS_URL is not the address of a Redis"),
        ("REDIS_URL", "redis://127.0.0.1:{free}/0", "does not answer at 127.0.0.1"),
        ("REDIS_URL", "redis://:secret@nowhere.invalid:6379/0", "does not answer at nowhere.invalid"),
        ("REDIS_URL_FILE", "/nowhere", "REDIS_URL_FILE"),
        ("MELANOMA_FLOWER_PORT", "abc", "MELANOMA_FLOWER_PORT"),
        ("MELANOMA_FLOWER_PORT", "{taken}", "choose another MELANOMA_FLOWER_PORT"),
        ("MELANOMA_FLOWER_ADDRESS", "192.0.2.1", "nothing can listen on 192.0.2.1"),
        ("FLOWER_PORT", "abc", "set MELANOMA_FLOWER_PORT instead"),
        ("MELANOMA_BOT_PORT", "{taken}", "choose another MELANOMA_BOT_PORT"),
        ("MELANOMA_METRICS_PORT", "{taken}", "choose another MELANOMA_METRICS_PORT"),
    ],
)
def test_up_says_in_one_sentence_what_keeps_it_from_starting(
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    taken_port: int,
    variable: str,
    value: str,
    sentence: str,
) -> None:
    monkeypatch.setenv("MELANOMA_FLOWER_LOGIN", "user:password")
    monkeypatch.setenv(variable, value.format(free=free_port(), taken=taken_port))
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "up", "--workers", "2")
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1
    assert "secret" not in err
    assert not (directory / ".local" / "supervisord.conf").exists()


def test_a_password_that_redis_denies_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedValkey(directory / "valkey", password="right") as server:
        wrong = Settings(redis_url=SecretStr(server.url.replace("right", "wrong")))
        with pytest.raises(SettingsError, match="denies access") as caught:
            check_redis(wrong)
    assert "wrong" not in str(caught.value)


def test_the_redis_of_the_images_is_checked_too(redis_url: str) -> None:
    config = Settings(redis_url=SecretStr(redis_url), image_store_url=SecretStr("nonsense"))
    with pytest.raises(SettingsError, match="MELANOMA_IMAGE_STORE_URL"):
        check_redis(config)


def test_flower_gets_another_port_if_the_default_is_taken(taken_port: int) -> None:
    config = Settings().model_copy(update={"flower_port": taken_port})
    config.model_fields_set.discard("flower_port")  # as if it were the default
    settled = settle_flower_port(config, {})
    assert settled.flower_port != taken_port
    check_port("MELANOMA_FLOWER", "127.0.0.1", settled.flower_port)
    assert f"--port={settled.flower_port}" in flower_command(settled)[0]


def test_one_directory_runs_one_service(directory: Path) -> None:
    program = (
        "import sys, local.preflight as p, pathlib; p.lock_directory(pathlib.Path('.local')); print('ok', flush=True)"
    )
    # The lock outlives an exec, as that of supervisord does.
    held = subprocess.Popen(
        [sys.executable, "-c", f"{program}; import os; os.execv('/bin/cat', ['cat'])"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert held.stdout is not None
    assert held.stdout.readline() == "ok\n"
    with pytest.raises(SettingsError, match="already runs in"):
        lock_directory(directory / ".local")
    held.communicate(timeout=10)
    lock_directory(directory / ".local")


def test_a_directory_that_cannot_be_made_is_named(directory: Path) -> None:
    (directory / "file").touch()
    with pytest.raises(SettingsError, match="--directory"):
        lock_directory(directory / "file" / "below")


def test_flower_that_cannot_start_is_not_started_for_ever() -> None:
    section = up._program_section("flower", ["flower"], priority=3, start_s=up._FLOWER_START_S)
    assert "startsecs=5\n" in section
