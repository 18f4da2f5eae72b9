"""Cores that a process may use: affinity and the quotas of both versions of control groups."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.config.usable_cores import cpu_quota, usable_cores


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own"


def test_quota_of_cgroup_v2_is_read_from_the_group_and_its_ancestors(tmp_path: Path, own: Path) -> None:
    group = tmp_path / "user.slice/worker.scope"
    group.mkdir(parents=True)
    own.write_text("0::/user.slice/worker.scope\n")
    (group / "cpu.max").write_text("max 100000\n")
    assert cpu_quota(tmp_path, own) > 10_000
    (group.parent / "cpu.max").write_text("150000 100000\n")
    assert cpu_quota(tmp_path, own) == 1.5
    (group / "cpu.max").write_text("50000 100000\n")
    assert cpu_quota(tmp_path, own) == 0.5


def test_quota_is_found_where_only_the_containers_own_group_is_mounted(tmp_path: Path, own: Path) -> None:
    own.write_text("0::/docker/0123456789\n")
    (tmp_path / "cpu.max").write_text("200000 100000\n")
    assert cpu_quota(tmp_path, own) == 2


def test_quota_of_cgroup_v1_is_read(tmp_path: Path, own: Path) -> None:
    (tmp_path / "cpu/docker").mkdir(parents=True)
    own.write_text("5:memory:/docker\n4:cpu,cpuacct:/docker\n")
    (tmp_path / "cpu/docker/cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "cpu/docker/cpu.cfs_quota_us").write_text("-1\n")
    assert cpu_quota(tmp_path, own) > 10_000
    (tmp_path / "cpu/docker/cpu.cfs_quota_us").write_text("300000\n")
    assert cpu_quota(tmp_path, own) == 3


@pytest.mark.parametrize("content", ["", "max\n", "x y\n", "100 0\n"])
def test_unreadable_quota_counts_as_none(tmp_path: Path, own: Path, content: str) -> None:
    own.write_text("0::/\n")
    (tmp_path / "cpu.max").write_text(content)
    assert cpu_quota(tmp_path, own) > 10_000
    assert cpu_quota(tmp_path, tmp_path / "missing") > 10_000


def test_part_of_a_core_counts_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.config.usable_cores.cpu_quota", lambda: 0.5)
    assert usable_cores() == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no CPU affinity")
def test_affinity_limits_the_cores() -> None:
    code = """
import os
from shared.config.usable_cores import usable_cores
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(usable_cores())
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1\n"
