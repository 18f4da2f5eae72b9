"""Messages wait while Redis refuses calls, longer each time. Access that is denied for good ends the worker."""

import threading

import pytest

from shared.redis_client.retry import RedisAccessDenied
from tests.worker.polling import eventually
from worker.consumer.backoff import ACCESS_GRACE_S, Backoff

DENIED = RedisAccessDenied("Redis at host refuses the user or password.")


class Scene:
    def __init__(self) -> None:
        self.now = 100.0
        self.reported: list[RedisAccessDenied] = []
        self.backoff = Backoff(self.reported.append, lambda: self.now)

    def pause_s(self) -> float:
        return max(0.0, self.backoff._paused_until - self.now)

    def fail(self, error: Exception) -> float:
        """Let the pause pass, report an error, and return the new pause."""
        self.now += self.pause_s()
        self.backoff.report_failure(error)
        return self.pause_s()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_there_is_no_pause_without_a_failure(scene: Scene) -> None:
    assert scene.backoff.wait()
    scene.backoff.report_success()
    assert scene.backoff.wait()


def test_pauses_grow_up_to_a_limit_and_end_with_a_success(scene: Scene) -> None:
    assert [scene.fail(ValueError("refused")) for _ in range(5)] == [1, 2, 4, 4, 4]
    scene.backoff.report_success()
    assert scene.pause_s() == 0
    assert scene.fail(ValueError("refused")) == 1


def test_threads_that_fail_together_begin_one_pause(scene: Scene) -> None:
    for _ in range(64):
        scene.backoff.report_failure(ValueError("refused"))
    assert scene.pause_s() == 1


def test_access_that_is_denied_for_good_is_reported(scene: Scene) -> None:
    began = scene.now
    while not scene.reported:
        assert scene.now - began < ACCESS_GRACE_S + 5
        scene.fail(DENIED)
    assert scene.now - began >= ACCESS_GRACE_S
    assert scene.reported == [DENIED]


@pytest.mark.parametrize("is_refusal", [True, False], ids=["another refusal", "a success"])
def test_access_that_comes_back_is_not_denied_for_good(scene: Scene, is_refusal: bool) -> None:
    for _ in range(10):
        scene.fail(DENIED)
        scene.now += ACCESS_GRACE_S - 5
        if is_refusal:
            scene.fail(ValueError("refused"))
        else:
            scene.backoff.report_success()
    assert scene.reported == []


def test_waiting_message_gives_up_when_the_worker_drains(scene: Scene) -> None:
    scene.backoff.report_failure(ValueError("refused"))
    results: list[bool] = []
    waiting = threading.Thread(target=lambda: results.append(scene.backoff.wait()))
    waiting.start()
    assert not scene.backoff.is_closed
    scene.backoff.close()
    waiting.join(10)
    assert results == [False]
    assert scene.backoff.is_closed
    assert not scene.backoff.wait()


def test_waiting_message_goes_on_after_the_pause() -> None:
    backoff = Backoff(lambda _: None)
    backoff._pause_s = 0.01
    backoff.report_failure(ValueError("refused"))
    results: list[bool] = []
    threading.Thread(target=lambda: results.append(backoff.wait()), daemon=True).start()
    eventually(lambda: results == [True])
