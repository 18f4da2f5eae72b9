"""`make containers` where no engine can be had."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("ci", "code", "word"), [("", 0, "skipped"), ("true", 1, "containers: no Docker engine")])
def test_without_an_engine_the_check_is_skipped_but_fails_in_ci(tmp_path: Path, ci: str, code: int, word: str) -> None:
    # Without programs on the path there is no engine, and none can be installed.
    environment = {**os.environ, "PATH": str(tmp_path), "TMPDIR": str(tmp_path), "CI": ci}
    result = subprocess.run(
        [sys.executable, "-m", "checks.containers"], env=environment, capture_output=True, text=True, check=False
    )
    output = result.stdout + result.stderr
    assert (result.returncode, "Traceback" in output) == (code, False), output
    assert word in output
    assert "no Docker engine with Compose answers, and only root on Debian can start one" in output
    assert list(tmp_path.iterdir()) == []
