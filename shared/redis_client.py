"""Connections to Redis: one place for time-outs, and for naming a server without its password."""

from typing import Any, Final
from urllib.parse import urlsplit

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

#: Longer than any wait for news, so that a blocking read does not look like a lost server.
SOCKET_TIMEOUT_S: Final = 10.0


_OPTIONS: Final[dict[str, Any]] = {
    "socket_timeout": SOCKET_TIMEOUT_S,
    "socket_connect_timeout": 3.0,
    "socket_keepalive": True,
    "health_check_interval": 0,
    "protocol": 2,
}


def connect(url: str) -> "Redis":
    """A client for `url`; nothing is sent yet. Raises `ValueError` for a URL that redis-py does not know."""
    return Redis.from_url(url, **_OPTIONS)


def connect_async(url: str) -> "AsyncRedis":
    """The same for coroutines. Calls made at the same time get a connection each."""
    return AsyncRedis.from_url(url, **_OPTIONS)


def place(url: str) -> str:
    """`host:port/db` of a Redis URL: all of it that may be shown."""
    parts = urlsplit(url)
    host = parts.hostname or parts.path
    return f"{host}:{parts.port or 6379}{parts.path}" if parts.hostname else host
