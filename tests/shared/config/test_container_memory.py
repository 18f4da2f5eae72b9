"""Memory limits and kills of both versions of control groups."""

from pathlib import Path

import pytest

from shared.config.container_memory import count_oom_kills, memory_limit


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own"


def test_smallest_limit_of_cgroup_v2_counts(tmp_path: Path, own: Path) -> None:
    group = tmp_path / "pod/container"
    group.mkdir(parents=True)
    own.write_text("0::/pod/container\n")
    (group / "memory.max").write_text("max\n")
    assert memory_limit(tmp_path, own) == float("inf")
    (group.parent / "memory.max").write_text("1048576\n")
    assert memory_limit(tmp_path, own) == 2**20
    (group / "memory.max").write_text("4096\n")
    assert memory_limit(tmp_path, own) == 4096


def test_limit_and_kills_of_cgroup_v1_are_read(tmp_path: Path, own: Path) -> None:
    own.write_text("5:memory:/docker\n0::/\n")
    (tmp_path / "memory/docker").mkdir(parents=True)
    (tmp_path / "memory/docker/memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert memory_limit(tmp_path, own) == float("inf")
    (tmp_path / "memory/memory.limit_in_bytes").write_text("1048576\n")
    (tmp_path / "memory/docker/memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
    assert memory_limit(tmp_path, own) == 2**20
    assert count_oom_kills(tmp_path, own) == 3


def test_kills_of_cgroup_v2_are_those_of_the_own_group(tmp_path: Path, own: Path) -> None:
    own.write_text("0::/pod/container\n")
    (tmp_path / "pod/container").mkdir(parents=True)
    (tmp_path / "pod/memory.events").write_text("low 0\noom 9\noom_kill 9\n")
    (tmp_path / "pod/container/memory.events").write_text("low 0\noom 1\noom_kill 2\n")
    assert count_oom_kills(tmp_path, own) == 2


@pytest.mark.parametrize("content", ["", "x y z\n", "oom_kill\n"])
def test_unreadable_files_count_as_no_limit_and_no_kill(tmp_path: Path, own: Path, content: str) -> None:
    own.write_text("0::/\n")
    for name in ("memory.max", "memory.events"):
        (tmp_path / name).write_text(content)
    assert memory_limit(tmp_path, own) == float("inf")
    assert count_oom_kills(tmp_path, own) == 0
    assert memory_limit(tmp_path, tmp_path / "missing") == float("inf")
