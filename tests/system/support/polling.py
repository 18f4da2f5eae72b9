"""Waits for conditions in other processes."""

import time
import urllib.request
from collections.abc import Callable
from typing import TypeVar
from urllib.error import URLError

T = TypeVar("T")


def eventually(probe: Callable[[], T | None], timeout_s: float = 60) -> T:
    """Call `probe` until its result is true, and return that. Fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (result := probe()):
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.2)
    return result


def fetch_page(url: str) -> str | None:
    """Text of a page, None if there is no answer."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except (URLError, ConnectionError):
        return None
