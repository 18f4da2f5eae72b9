"""The worker's sign of life is one of progress, not of existence."""

from pathlib import Path

from worker.health.liveness import MAX_STALL_S, LivenessFile, StallTimer


def test_a_worker_that_is_stuck_shows_no_life(tmp_path: Path) -> None:
    stalled_s = 0.0
    liveness_file = LivenessFile(tmp_path / "pulse", lambda: 0.0, lambda: stalled_s)
    assert liveness_file.touch_if_alive()
    (tmp_path / "pulse").unlink()
    stalled_s = MAX_STALL_S + 1
    assert not liveness_file.touch_if_alive()
    assert not (tmp_path / "pulse").exists()
    stalled_s = 0.5
    assert liveness_file.touch_if_alive(), "it goes on"


def test_waiting_for_redis_is_no_hang() -> None:
    is_unavailable = False
    stall_timer = StallTimer(is_excused=lambda: is_unavailable)
    stall_timer._last_reset_at -= 100
    assert stall_timer.stalled_s() > 99
    is_unavailable = True
    assert stall_timer.stalled_s() < 1
    is_unavailable = False
    assert stall_timer.stalled_s() < 1, "after an outage it has its time again"
