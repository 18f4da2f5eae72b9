"""A decode that hangs costs its own image. A worker that drains does not start again."""

import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from shared.contract.names import Stage
from shared.images.decode import decode
from tests.worker.handler_harness import HandlerHarness
from tests.worker.items import make_distinct_jpegs
from tests.worker.polling import eventually
from worker.batching import decode_stage
from worker.health import watchdog
from worker.health.watchdog import Watchdog


@pytest.fixture
def restarts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """Command lines with which the process was replaced. An image with the text `hang` hangs until the test ends."""
    resume, restarts = threading.Event(), []

    def hang(data: bytes, spec: Any) -> Any:
        if data == b"hang":
            resume.wait(30)
        return decode(data, spec)

    monkeypatch.setattr(decode_stage, "decode", hang)
    monkeypatch.setattr(os, "execv", lambda _, arguments: restarts.append(arguments))
    monkeypatch.setattr(watchdog, "_DRAIN_GRACE_S", 0.01)
    yield restarts
    resume.set()


def start_hanging(harness: HandlerHarness) -> tuple[Watchdog, Any]:
    images = {"hang": b"hang", **{f"job{number}": data for number, data in enumerate(make_distinct_jpegs(3))}}
    message = harness.start(harness.submit(images))
    timeout_s = harness.config.decode_timeout_s
    eventually(lambda: harness.manager.current.pipeline.decode_stage.get_hanging_items(timeout_s))
    return Watchdog(harness.manager, harness.handler, decode_timeout_s=timeout_s), message


def test_worker_without_a_hanging_decode_is_left_alone(harness: HandlerHarness, restarts: list[list[str]]) -> None:
    Watchdog(harness.manager, harness.handler, decode_timeout_s=1).check()
    assert restarts == []
    assert not harness.handler.is_draining


def test_hanging_decode_restarts_the_worker(harness: HandlerHarness, restarts: list[list[str]]) -> None:
    watchdog, message = start_hanging(harness)
    watchdog.check()
    assert restarts == [[sys.executable, *sys.orig_argv[1:]]]
    counts = message.result()
    assert counts.get("verdict", 0) + counts["released"] == 4
    history = harness.history("hang")
    assert (history.stage, history.suspect, history.attempts) == (Stage.READY, True, 1)
    assert not any(harness.history(f"job{number}").suspect for number in range(3))
    assert harness.classify(["hang"]) == {"skipped": 1}, "this worker leaves the image to the next"


def test_draining_worker_gives_the_image_up_and_ends(harness: HandlerHarness, restarts: list[list[str]]) -> None:
    watchdog, message = start_hanging(harness)
    harness.handler.drain()
    watchdog.check()
    message.result()
    assert restarts == [], "otherwise a stopped worker would come back"
    assert harness.history("hang").suspect
    watchdog.check()
    assert harness.published_ids().count(["hang"]) == 1, "it is given up once"
