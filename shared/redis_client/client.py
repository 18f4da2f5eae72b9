"""Creates Redis clients with their time-outs, and names a server without its password."""

import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.connection import ConnectionPool
from redis.exceptions import RedisError
from redis.sentinel import Sentinel

from shared.redis_client.auto_pipeline import AutoPipeliningRedis
from shared.redis_client.sentinel import SCHEME as SENTINEL_SCHEME
from shared.redis_client.sentinel import SentinelAddress, parse_sentinel_url

#: Longer than any blocking read: a shorter one would end such a read as a time-out.
SOCKET_TIMEOUT_S: Final = 7.0
#: Time-out of calls that do not block at the server.
CONNECT_TIMEOUT_S: Final = 3.0

_SOCKET: Final = "unix"
_SCHEMES: Final = ("redis", "rediss", _SOCKET)
_DEFAULT_PORT: Final = 6379

_OPTIONS: Final[dict[str, Any]] = {
    "socket_timeout": SOCKET_TIMEOUT_S,
    "socket_connect_timeout": CONNECT_TIMEOUT_S,
    "health_check_interval": 0,
    "protocol": 2,
}
_TCP_OPTIONS: Final[dict[str, Any]] = {**_OPTIONS, "socket_keepalive": True}

#: Options of a URL that name a file.
_FILE_OPTIONS: Final = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})


def create_client(url: str) -> "Redis":
    """Create a client; nothing is sent yet.

    Args:
        url: `redis://`, `rediss://` (over TLS), `unix://` or `sentinel://`, see `shared.redis_client.sentinel`.

    Raises:
        ValueError: `url` is not the address of a Redis, or names a file that cannot be read.
    """
    if sentinel_address := parse_sentinel_url(url):
        # redis-py types its Sentinel in part only.
        sentinels = Sentinel(sentinel_address.nodes, **_TCP_OPTIONS)  # type: ignore[no-untyped-call]
        client: Redis = sentinels.master_for(sentinel_address.name, **_credentials(sentinel_address))  # type: ignore[no-untyped-call]
        return client
    _check_url(url)
    return Redis.from_url(url, **_options(url))


def create_async_client(url: str) -> "AsyncRedis":
    """Create a client for coroutines that pipelines concurrent commands. Raises as `create_client` does."""
    if sentinel_address := parse_sentinel_url(url):
        sentinels = AsyncSentinel(sentinel_address.nodes, **_TCP_OPTIONS)  # type: ignore[no-untyped-call]
        client: AsyncRedis = sentinels.master_for(
            sentinel_address.name, redis_class=AutoPipeliningRedis, **_credentials(sentinel_address)
        )
        return client
    _check_url(url)
    return AutoPipeliningRedis.from_url(url, **_options(url))


def _options(url: str) -> dict[str, Any]:
    return _OPTIONS if urlsplit(url).scheme == _SOCKET else _TCP_OPTIONS


def _check_url(url: str) -> None:
    """Raise `ValueError` for what redis-py ignores, or would only find when it connects."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"it must begin with {', '.join(_SCHEMES)} or {SENTINEL_SCHEME}, and ://")
    pool = ConnectionPool.from_url(url, **_options(url))
    if parts.scheme == _SOCKET:
        if not parts.path:
            raise ValueError("a socket needs its path: unix:///run/valkey.sock")
    elif not re.fullmatch(r"(/\d*)?", parts.path):
        raise ValueError(f"{parts.path[1:]!r} is not the number of a database")
    try:
        pool.connection_class(**pool.connection_kwargs)
    except TypeError as error:
        raise ValueError(f"{str(error).rpartition(' ')[2]} is not an option") from error
    except RedisError as error:
        raise ValueError(str(error)) from error
    for name, value in parse_qsl(parts.query):
        if name in _FILE_OPTIONS:
            try:
                Path(value).open("rb").close()
            except OSError as error:
                raise ValueError(f"{name}={value} cannot be read ({error.strerror})") from error


async def disconnect_idle(client: "AsyncRedis") -> None:
    """Close the idle connections of `client`."""
    pool = client.connection_pool
    # While the pool's own `disconnect` awaits, another coroutine may get the connection that is being closed.
    idle, pool._available_connections = pool._available_connections, []  # noqa: SLF001
    for connection in idle:
        await connection.disconnect(nowait=True)


def display_address(url: str) -> str:
    """Return `host:port/db` or the path of a Redis URL, without the password. Raises `ValueError` as above."""
    if sentinel_address := parse_sentinel_url(url):
        return f"{sentinel_address.name} by {', '.join(f'{host}:{port}' for host, port in sentinel_address.nodes)}"
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or _DEFAULT_PORT}{parts.path}" if parts.hostname else parts.path


def _credentials(address: SentinelAddress) -> dict[str, Any]:
    return {"username": address.username, "password": address.password, "db": address.db}
