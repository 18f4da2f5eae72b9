"""Runs broker, workers, Flower and the bot on this machine under supervisord."""

import os
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from local.bot_processes import simulator_command, simulator_environment, simulator_url
from local.embedded_valkey import EmbeddedValkey, free_port, is_port_free
from local.flower import flower_address, flower_command
from local.preflight import (
    check_port,
    check_redis,
    has_configured_redis,
    lock_directory,
    read_settings,
    settle_flower_port,
)
from local.worker_processes import command
from shared.config.settings import Settings, SettingsError
from shared.redis_client.client import display_address

#: Port of the embedded broker: the default port of Redis in all settings.
_REDIS_PORT: Final = 6379

#: Port of the chat page, if it is free.
_CHAT_PORT: Final = 8081

#: Seconds until supervisord kills a process. A worker needs less to finish its batch and release its other jobs.
_STOP_WAIT_S: Final = 20

#: Seconds after which Flower counts as started.
_FLOWER_START_S: Final = 5

_SUPERVISORD_SECTION: Final = """[supervisord]
nodaemon=true
silent=true
user={user}
logfile={directory}/supervisord.log
pidfile={directory}/supervisord.pid
childlogdir={directory}
"""

_PROGRAM_SECTION: Final = """
[program:{name}]
command={command}
priority={priority}
startsecs={start_s}
autorestart=unexpected
exitcodes=0,2
stopwaitsecs={stop_wait}
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
redirect_stderr=true
"""


def up(directory: Path, workers: str) -> None:
    """Print the addresses and replace this process by supervisord, with its files in `directory`. Does not return.

    If a Redis is configured, no broker is started. `workers` is a number, or `auto`, as `melanoma-worker --processes`
    takes it.

    Raises:
        SettingsError: A port is taken, the configured Redis does not answer, the service already runs in `directory`,
            or Flower would be open to the network without a login.
    """
    config = read_settings()
    lock_directory(directory)
    config = settle_flower_port(config, os.environ)
    flower, secrets = flower_command(config)
    _check_ports(config)
    programs = []
    if has_configured_redis(config):
        check_redis(config)
    else:
        broker = _create_broker(directory)
        os.environ["REDIS_URL"] = broker.url
        config = config.model_copy(update={"redis_url": SecretStr(broker.url)})
        secrets["CELERY_BROKER_URL"] = broker.url
        programs.append(_program_section("valkey", broker.command(), priority=1))
    os.environ.update(secrets)
    # supervisord starts programs in the order of priority and stops them in reverse, so that workers release their
    # jobs while the broker still runs.
    programs += [
        _program_section("worker", [*command("melanoma-worker"), "--processes", workers], priority=2),
        # If Flower ends at once three times in a row, it is not started again: the service works without it.
        _program_section("flower", flower, priority=3, start_s=_FLOWER_START_S),
    ]
    if config.bot_token is None:
        port = _CHAT_PORT if is_port_free(_CHAT_PORT) else free_port()
        os.environ.update(simulator_environment(port))
        programs.append(_program_section("telegram", simulator_command(port), priority=3))
        chat = f"{simulator_url(port)}/  (a simulator of Telegram; set BOT_TOKEN to use the real one)"
    else:
        chat = "in Telegram"
    programs.append(_program_section("bot", command("melanoma-bot"), priority=4))
    configuration = directory / "supervisord.conf"
    head = _SUPERVISORD_SECTION.format(directory=_escape(str(directory.resolve())), user=os.getuid())
    configuration.write_text(head + "".join(programs), encoding="utf-8")
    _print_addresses(config, workers, chat)
    supervisord = [*command("supervisord"), "-c", str(configuration)]
    os.execv(supervisord[0], supervisord)  # noqa: S606 - our own command line


def _create_broker(directory: Path) -> EmbeddedValkey:
    if not is_port_free(_REDIS_PORT):
        raise SettingsError(
            f"port {_REDIS_PORT} is taken: another Redis or this service is already running."
            f" To use that Redis, set REDIS_URL=redis://127.0.0.1:{_REDIS_PORT}/0; otherwise stop it."
        )
    return EmbeddedValkey(directory / "valkey", port=_REDIS_PORT, persistent=True)


def _check_ports(config: Settings) -> None:
    if config.bot_port:
        check_port("MELANOMA_BOT", config.bot_host, config.bot_port)
    if config.metrics_port:
        check_port("MELANOMA_METRICS", config.metrics_host, config.metrics_port)


def _program_section(name: str, command: list[str], *, priority: int, start_s: int = 0) -> str:
    # supervisord splits the command as a shell does, and expands %.
    quoted = " ".join(f'"{_escape(part)}"' for part in command)
    return _PROGRAM_SECTION.format(
        name=name, command=quoted, priority=priority, start_s=start_s, stop_wait=_STOP_WAIT_S
    )


def _escape(text: str) -> str:
    return text.replace("%", "%%")


def _print_addresses(config: Settings, workers: str, chat: str) -> None:
    print(f"broker   {display_address(config.ledger_url)}")
    print(f"workers  {workers}, serving {config.artefact}")
    print(f"chat     {chat}")
    print(f"Flower   {flower_address(config)}")
    print("Submit a folder from another terminal: .venv/bin/melanoma-submit FOLDER")
    print("Ctrl-C stops everything.", flush=True)
