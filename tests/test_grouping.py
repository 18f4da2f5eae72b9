"""Tests that share a fixture of their module run in one process, which makes the fixture once."""

import os
import subprocess
import sys
from pathlib import Path

MODULE = """
import os
import time
from pathlib import Path

import pytest

@pytest.fixture(scope="module")
def shared():
    Path(f"made-in-{os.getpid()}").touch()

@pytest.mark.parametrize("number", range(6))
def test_with_fixture(shared, number):
    time.sleep(0.1)

@pytest.mark.xdist_group("of two modules")
@pytest.mark.parametrize("number", range(6))
def test_of_a_group(number):
    Path(f"group-in-{os.getpid()}").touch()
    time.sleep(0.1)
"""


def test_each_group_runs_in_one_process_of_several(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(MODULE)
    plugins = ["-p", "tests.grouping", "-p", "no:cacheprovider", "-p", "no:randomly"]
    distribution = ["-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *distribution, *plugins, "--rootdir", tmp_path],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "12 passed" in done.stdout, done.stdout
    assert len(list(tmp_path.glob("made-in-*"))) == 1
    assert len(list(tmp_path.glob("group-in-*"))) == 1
    made, grouped = (next(tmp_path.glob(f"{name}-in-*")).name.rpartition("-")[2] for name in ("made", "group"))
    assert made != grouped, "both processes have work"
