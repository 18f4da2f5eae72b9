"""Faults of a running Redis, each of which lasts as long as its context. The system tests use them, too."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis

from local.embedded_valkey import free_port


@contextmanager
def demoted(url: str) -> Iterator[None]:
    """Redis is a replica, as in a planned failover. It keeps its data, because its master is nowhere."""
    _replicate(url, "127.0.0.1", str(free_port()))
    try:
        yield
    finally:
        _replicate(url, "NO", "ONE")


@contextmanager
def without_replicas(url: str) -> Iterator[None]:
    """Redis has fewer replicas than it is told to need for a write."""
    with _configured(url, "min-replicas-to-write", 1):
        yield


@contextmanager
def at_memory_limit(url: str) -> Iterator[None]:
    """Redis accepts no new data."""
    with _configured(url, "maxmemory", 1):
        yield


@contextmanager
def _configured(url: str, name: str, value: int) -> Iterator[None]:
    _configure(url, name, value)
    try:
        yield
    finally:
        _configure(url, name, 0)


def _configure(url: str, name: str, value: int) -> None:
    client: Any
    with Redis.from_url(url) as client:
        client.config_set(name, value)


def _replicate(url: str, host: str, port: str) -> None:
    client: Any
    with Redis.from_url(url) as client:
        client.replicaof(host, port)
