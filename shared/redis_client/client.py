"""Creates Redis clients with their time-outs, and names a server without its password."""

from typing import Any, Final
from urllib.parse import urlsplit

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.sentinel import Sentinel

from shared.redis_client.auto_pipeline import AutoPipeliningRedis
from shared.redis_client.sentinel import SentinelAddress, parse_sentinel_url

#: Longer than any blocking read: a shorter one would end such a read as a time-out.
SOCKET_TIMEOUT_S: Final = 7.0
#: Time-out of calls that do not block at the server.
CONNECT_TIMEOUT_S: Final = 3.0

_OPTIONS: Final[dict[str, Any]] = {
    "socket_timeout": SOCKET_TIMEOUT_S,
    "socket_connect_timeout": CONNECT_TIMEOUT_S,
    "socket_keepalive": True,
    "health_check_interval": 0,
    "protocol": 2,
}


def create_client(url: str) -> "Redis":
    """Create a client; nothing is sent yet.

    Args:
        url: `redis://`, `rediss://` (over TLS) or `sentinel://`, see `shared.redis_client.sentinel`.

    Raises:
        ValueError: `url` is not the address of a Redis.
    """
    if sentinel_address := parse_sentinel_url(url):
        # redis-py types its Sentinel in part only.
        sentinels = Sentinel(sentinel_address.nodes, **_OPTIONS)  # type: ignore[no-untyped-call]
        client: Redis = sentinels.master_for(sentinel_address.name, **_credentials(sentinel_address))  # type: ignore[no-untyped-call]
        return client
    return Redis.from_url(url, **_OPTIONS)


def create_async_client(url: str) -> "AsyncRedis":
    """Create a client for coroutines that pipelines concurrent commands. Raises as `create_client` does."""
    if sentinel_address := parse_sentinel_url(url):
        sentinels = AsyncSentinel(sentinel_address.nodes, **_OPTIONS)  # type: ignore[no-untyped-call]
        client: AsyncRedis = sentinels.master_for(
            sentinel_address.name, redis_class=AutoPipeliningRedis, **_credentials(sentinel_address)
        )
        return client
    return AutoPipeliningRedis.from_url(url, **_OPTIONS)


async def disconnect_idle(client: "AsyncRedis") -> None:
    """Close the idle connections of `client`."""
    pool = client.connection_pool
    # While the pool's own `disconnect` awaits, another coroutine may get the connection that is being closed.
    idle, pool._available_connections = pool._available_connections, []  # noqa: SLF001
    for connection in idle:
        await connection.disconnect(nowait=True)


def display_address(url: str) -> str:
    """Return `host:port/db` of a Redis URL, without the password."""
    if sentinel_address := parse_sentinel_url(url):
        return f"{sentinel_address.name} by {', '.join(f'{host}:{port}' for host, port in sentinel_address.nodes)}"
    parts = urlsplit(url)
    host = parts.hostname or parts.path
    return f"{host}:{parts.port or 6379}{parts.path}" if parts.hostname else host


def _credentials(address: SentinelAddress) -> dict[str, Any]:
    return {"username": address.username, "password": address.password, "db": address.db}
