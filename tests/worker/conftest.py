"""Fixtures of the worker's tests: the shipped artefact's manifest, a predictor of its shape, and a task handler."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from shared.model.artefact import Manifest, read_artefact
from tests.worker.handler_harness import HandlerHarness
from tests.worker.scripted_predictor import ScriptedPredictor
from worker.consumer import backoff, owed_writes

ARTEFACT = Path("models/lite0")


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    return read_artefact(ARTEFACT)


@pytest.fixture
def predictor(manifest: Manifest) -> ScriptedPredictor:
    return ScriptedPredictor(manifest)


@pytest.fixture
def harness(
    tmp_path: Path, redis_url: str, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HandlerHarness]:
    monkeypatch.setattr(backoff, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(owed_writes, "_PAUSE_S", 0.01)
    with HandlerHarness(
        tmp_path, redis_url, manifest, max_bulk_in_flight=4, max_attempts=3, decode_timeout_s=0.1
    ) as harness:
        yield harness


@pytest.fixture(scope="package", autouse=True)
def _plain_tracebacks() -> Iterator[None]:
    """Structlog's own rendering of a traceback takes seconds."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    yield
    structlog.reset_defaults()
