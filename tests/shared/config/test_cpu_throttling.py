"""Share of periods in which a CPU quota is used up, for both versions of control groups."""

from pathlib import Path

import pytest

from shared.config.cpu_throttling import CpuThrottling


def write(group: Path, periods: int, throttled: int) -> None:
    group.mkdir(parents=True, exist_ok=True)
    text = f"usage_usec 7\nnr_periods {periods}\nnr_throttled {throttled}\nthrottled_usec 9\n"
    (group / "cpu.stat").write_text(text)


@pytest.mark.parametrize(("line", "mount"), [("0::/pod/container\n", ""), ("5:cpu,cpuacct:/pod/container\n", "cpu")])
def test_share_is_that_since_the_first_reading(tmp_path: Path, line: str, mount: str) -> None:
    own, group = tmp_path / "own", tmp_path / mount / "pod/container"
    own.write_text(line)
    write(group, 1000, 900)
    throttling = CpuThrottling(tmp_path, own)
    assert throttling.sample() == 0.0
    write(group, 1010, 904)
    assert throttling.sample() == 0.4
    assert throttling.sample() == 0.4
    # The pod's quota holds the container back as well.
    write(group.parent, 50, 50)
    throttling = CpuThrottling(tmp_path, own)
    throttling.sample()
    write(group.parent, 60, 59)
    assert throttling.sample() == 0.9


def test_readings_of_more_than_a_minute_ago_do_not_count(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("0::/\n")
    throttling = CpuThrottling(tmp_path, own)
    write(tmp_path, 0, 0)
    throttling.sample()
    write(tmp_path, 100, 100)
    for _ in range(59):
        assert throttling.sample() == 1.0
    assert throttling.sample() == 0.0


@pytest.mark.parametrize("content", ["", "x y z\n", "nr_periods 5\n", "nr_periods\n"])
def test_unreadable_counters_are_no_throttling(tmp_path: Path, content: str) -> None:
    own = tmp_path / "own"
    own.write_text("0::/\n")
    (tmp_path / "cpu.stat").write_text(content)
    assert CpuThrottling(tmp_path, own).sample() == 0.0
    assert CpuThrottling(tmp_path, tmp_path / "missing").sample() == 0.0
