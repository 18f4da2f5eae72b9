"""Fixtures of the tests of `worker.batching`."""

from pathlib import Path

import pytest

from tests.worker.batching.decoder_traps import set_traps


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let child processes run the traps first."""
    set_traps(tmp_path, monkeypatch)
