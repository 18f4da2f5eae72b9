"""Waiting for something to become true in another process."""

import time
import urllib.request
from collections.abc import Callable
from typing import TypeVar
from urllib.error import URLError

T = TypeVar("T")


def eventually(probe: Callable[[], T | None], timeout_s: float = 60) -> T:
    """The first result of `look` that is neither None nor false; fails after `limit_s`."""
    deadline = time.monotonic() + timeout_s
    while not (result := probe()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.2)
    return result


def fetch_page(url: str) -> str | None:
    """Text of a page, None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except (URLError, ConnectionError):
        return None
