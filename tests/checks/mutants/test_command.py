"""The whole command on a repository of one rule and its test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FILES = {
    "training/__init__.py": "",
    "training/calibration/__init__.py": "",
    "training/calibration/rule.py": "def is_high(share):\n    return share >= 0.5\n\n\ndef unused():\n    return [1]\n",
    "tests/training/calibration/test_rule.py": (
        "from training.calibration.rule import is_high\n\n"
        "def test_high():\n    assert is_high(0.9)\n    assert not is_high(0.1)\n"
    ),
    "pytest.ini": "[pytest]\nmarkers =\n  system\n  slow\n  long\n",
}


def test_survivors_are_printed_with_their_lines_and_the_share_of_killed_ones(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "checks.mutants", "--jobs", "1", "--minimum", "50"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "training/calibration/rule.py: 2 of 5 killed (40 %)" in done.stdout, done.stdout + done.stderr
    assert "2: `>=` -> `>` (1 tests pass)\n      return share >= 0.5" in done.stdout
    assert "6: `1` -> `2` (no test runs this line)" in done.stdout
    assert "2 of 5 mutants killed (40.0 %)" in done.stdout
    assert done.returncode == 1, "the minimum is not reached"
    assert {name: (tmp_path / name).read_text() for name in FILES} == FILES
