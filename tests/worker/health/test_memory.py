"""The memory limit of a worker is checked at its start."""

import pytest
from structlog.testing import capture_logs

from shared.config.settings import SettingsError
from worker.health.memory import MIN_MEMORY, check_memory_limit, used_bytes, warn_of_small_limit


def test_worker_with_too_little_memory_does_not_start() -> None:
    check_memory_limit(MIN_MEMORY)
    check_memory_limit(float("inf"))
    with pytest.raises(SettingsError, match="limit of 511 MiB is too small: a worker needs 512 MiB"):
        check_memory_limit(MIN_MEMORY - 1)


def test_limit_that_large_images_may_exceed_is_logged() -> None:
    with capture_logs() as logs:
        warn_of_small_limit(float("inf"), 2**30)
        warn_of_small_limit(3 * 2**30, 2**30, used=2**30)
        assert logs == []
        warn_of_small_limit(3 * 2**30, 2**30, used=2**30 + 1)
    (entry,) = logs
    assert (entry["log_level"], entry["limit_mib"], entry["needed_mib"]) == ("warning", 3072, 3072)


def test_memory_in_use_is_read_from_the_kernel() -> None:
    before = used_bytes()
    block = bytearray(b"x") * (64 << 20)
    assert used_bytes() - before > 48 << 20, len(block)
