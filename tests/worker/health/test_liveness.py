"""The liveness file shows that the worker makes progress, not only that its process exists."""

from pathlib import Path

from tests.worker.polling import eventually
from worker.health.liveness import MAX_STALL_S, LivenessFile, StallTimer


def test_liveness_file_is_not_touched_while_something_hangs(tmp_path: Path) -> None:
    stalled_s = 0.0
    liveness_file = LivenessFile(tmp_path / "liveness", lambda: 0.0, lambda: stalled_s)
    assert liveness_file.touch_if_alive()
    (tmp_path / "liveness").unlink()
    stalled_s = MAX_STALL_S + 1
    assert not liveness_file.touch_if_alive()
    assert not (tmp_path / "liveness").exists()
    stalled_s = 0.5
    assert liveness_file.touch_if_alive(), "progress again"


def test_stall_timer_excuses_waiting_for_redis() -> None:
    is_unavailable = False
    stall_timer = StallTimer(is_excused=lambda: is_unavailable)
    stall_timer._last_reset_at -= 100
    assert stall_timer.stalled_s() > 99
    is_unavailable = True
    assert stall_timer.stalled_s() < 1
    is_unavailable = False
    assert stall_timer.stalled_s() < 1, "after an outage it starts from 0"


def test_liveness_thread_touches_the_file_again_and_again(tmp_path: Path) -> None:
    liveness_file = LivenessFile(tmp_path / "liveness", lambda: 0.0)
    liveness_file.start()
    try:
        for _ in range(2):
            eventually((tmp_path / "liveness").exists)
            (tmp_path / "liveness").unlink()
    finally:
        liveness_file.stop()


def test_file_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    liveness_file = LivenessFile(tmp_path / "missing" / "liveness", lambda: 0.0)
    assert not liveness_file.touch_if_alive()
    (tmp_path / "missing").mkdir()
    assert liveness_file.touch_if_alive()


def test_stall_at_the_limit_is_still_progress(tmp_path: Path) -> None:
    stalled_s = MAX_STALL_S
    liveness_file = LivenessFile(tmp_path / "liveness", lambda: 0.0, lambda: stalled_s)
    assert liveness_file.touch_if_alive()
