"""The worker's sign of life is one of progress, not of existence."""

from pathlib import Path

from worker.health.liveness import STUCK_S, LivenessFile, StallTimer


def test_a_worker_that_is_stuck_shows_no_life(tmp_path: Path) -> None:
    busy = 0.0
    pulse = LivenessFile(tmp_path / "pulse", lambda: 0.0, lambda: busy)
    assert pulse.touch_if_alive()
    (tmp_path / "pulse").unlink()
    busy = STUCK_S + 1
    assert not pulse.touch_if_alive()
    assert not (tmp_path / "pulse").exists()
    busy = 0.5
    assert pulse.touch_if_alive(), "it goes on"


def test_waiting_for_redis_is_no_hang() -> None:
    away = False
    ticks = StallTimer(excused=lambda: away)
    ticks._last -= 100
    assert ticks.stalled_s() > 99
    away = True
    assert ticks.stalled_s() < 1
    away = False
    assert ticks.stalled_s() < 1, "after an outage it has its time again"
