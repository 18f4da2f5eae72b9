"""The address of a Redis that Sentinels watch: `sentinel://:password@host:26379,other:26379/NAME?db=0`."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

SCHEME: Final = "sentinel"

_DEFAULT_PORT: Final = 26379


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """Sentinels by (host, port), the `name` under which they know the Redis, and the credentials of that Redis."""

    nodes: tuple[tuple[str, int], ...]
    name: str
    username: str | None
    password: str | None
    db: int


def parse_sentinel_url(url: str) -> SentinelAddress | None:
    """Parse `url`; None for another scheme. Raises `ValueError` if hosts or name are missing, or no number."""
    parts = urlsplit(url)
    if parts.scheme != SCHEME:
        return None
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    nodes = tuple(_parse_node(host) for host in hosts.split(",") if host)
    name = parts.path.strip("/")
    if not nodes or not name:
        raise ValueError("a Sentinel URL needs hosts and the name of the Redis: sentinel://:password@host:26379/NAME")
    db = parse_qs(parts.query).get("db", ["0"])[0]
    if not db.isdecimal():
        raise ValueError(f"{db!r} is not the number of a database")
    return SentinelAddress(nodes, name, unquote(user) or None, unquote(password) or None, int(db))


def _parse_node(host: str) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    if parts.hostname is None:
        raise ValueError(f"{host} is not host:port")
    return parts.hostname, parts.port or _DEFAULT_PORT
