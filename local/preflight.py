"""Checks before anything starts: settings, the configured Redis, ports, and the lock of the directory.

Each problem becomes one sentence. A process that found it only after its start would be restarted for ever.
"""

import errno
import fcntl
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from local.embedded_valkey import free_port
from shared.config.settings import Settings, SettingsError, settings
from shared.redis_client.client import create_client, display_address

_LOCK: Final = ".lock"


def read_settings() -> Settings:
    """The settings, read anew. Raises `SettingsError`."""
    settings.cache_clear()
    return settings()


def has_configured_redis(config: Settings) -> bool:
    """True if a Redis is named: in the environment, in a secret file or in `.env`."""
    return "redis_url" in config.model_fields_set and bool(config.ledger_url)


def check_redis(config: Settings) -> None:
    """Check that the configured Redis servers answer. Raises `SettingsError`."""
    _ping("REDIS_URL", config.ledger_url)
    if config.store_url != config.ledger_url:
        _ping("MELANOMA_IMAGE_STORE_URL", config.store_url)


def _ping(variable: str, url: str) -> None:
    try:
        with create_client(url) as client:
            client.ping()
    except ValueError as error:
        raise SettingsError(f"{variable} is not the address of a Redis: {error}.") from None
    except (AuthenticationError, NoPermissionError) as error:
        raise SettingsError(f"the Redis of {variable} denies access: {error}. Check user and password.") from None
    except (RedisError, OSError) as error:
        raise SettingsError(
            f"the Redis of {variable} does not answer at {display_address(url)} ({error}): start it or correct"
            f" {variable}. Without {variable} an embedded one is started."
        ) from None


def lock_directory(directory: Path) -> None:
    """Make `directory` and lock it until this process ends, also if another program replaces it by exec.

    Raises:
        SettingsError: Another process holds the lock, or the directory cannot be used.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        os.set_inheritable(handle, True)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(
            f"the service already runs in {directory}: stop it, or choose another --directory."
        ) from None
    except OSError as error:
        raise SettingsError(f"{directory} cannot be used: {error.strerror}. Choose another --directory.") from None


def check_port(variable: str, host: str, port: int) -> None:
    """Check that a process can listen on `host` and `port`. Raises `SettingsError`, which names `variable`_PORT."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"port {port} is taken by another program: stop it, or choose another {variable}_PORT."
            ) from None
        raise SettingsError(f"nothing can listen on {host}, port {port}: {error.strerror}.") from None


def settle_flower_port(config: Settings, environment: Mapping[str, str]) -> Settings:
    """The settings with a port that Flower can have. If none was chosen and the default is taken, another one is used.

    Raises:
        SettingsError: The chosen port is taken, or the address cannot be used.
    """
    # Flower also reads FLOWER_PORT. The command line overrides it, but a value that is not a number would end Flower.
    if (own := environment.get("FLOWER_PORT")) not in (None, str(config.flower_port)):
        raise SettingsError(f"FLOWER_PORT={own} has no effect: set MELANOMA_FLOWER_PORT instead.")
    try:
        check_port("MELANOMA_FLOWER", config.flower_address, config.flower_port)
    except SettingsError:
        if "flower_port" in config.model_fields_set or not _is_taken(config.flower_port):
            raise
        return config.model_copy(update={"flower_port": free_port()})
    return config


def _is_taken(port: int) -> bool:
    try:
        check_port("", "127.0.0.1", port)
    except SettingsError:
        return True
    return False
