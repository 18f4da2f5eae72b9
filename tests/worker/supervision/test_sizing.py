"""The number of worker processes follows the cores and the memory of the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.config.container_memory import usable_memory
from shared.config.usable_cores import CORES_VARIABLE
from worker.supervision import sizing
from worker.supervision.sizing import AUTO, Sizing, choose_sizing

GIB = 2**30


@pytest.mark.parametrize(
    ("cores", "memory", "expected"),
    [
        (1, 64 * GIB, Sizing(1, 1, "cores")),
        (2, 64 * GIB, Sizing(1, 2, "cores")),
        (8, 64 * GIB, Sizing(2, 4, "cores")),
        (16, 64 * GIB, Sizing(4, 4, "cores")),
        (16, 2 * GIB, Sizing(2, 8, "memory")),
        (16, GIB // 2, Sizing(1, 16, "memory")),
    ],
)
def test_auto_takes_one_process_for_four_cores_that_fits_into_the_memory(
    monkeypatch: pytest.MonkeyPatch, cores: int, memory: int, expected: Sizing
) -> None:
    monkeypatch.setattr(sizing, "usable_cores", lambda: cores)
    monkeypatch.setattr(sizing, "usable_memory", lambda: memory)
    assert choose_sizing(AUTO) == expected


def test_a_number_is_taken_and_the_cores_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizing, "usable_cores", lambda: 8)
    assert choose_sizing("3") == Sizing(3, 2, "the setting")
    assert choose_sizing("16").cores_each == 1


def test_a_process_uses_its_share_of_the_cores() -> None:
    code = "from shared.config.usable_cores import usable_cores; print(usable_cores())"
    environment = {**os.environ, CORES_VARIABLE: "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_memory_is_what_the_machine_and_the_container_leave(tmp_path: Path) -> None:
    own, meminfo = tmp_path / "own", tmp_path / "meminfo"
    own.write_text("0::/\n")
    meminfo.write_text("MemTotal:  8388608 kB\nMemFree:  1024 kB\nMemAvailable:  4194304 kB\n")
    assert usable_memory(meminfo, tmp_path, own) == 4 * GIB
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text(f"{GIB}\n")
    assert usable_memory(meminfo, tmp_path, own) == 4 * GIB
    (tmp_path / "memory.max").write_text(f"{3 * GIB}\n")
    assert usable_memory(meminfo, tmp_path, own) == 2 * GIB
    assert usable_memory(tmp_path / "none", tmp_path / "none", own) == float("inf"), "nothing is known"
