"""Whatever dies in the middle of a folder: each picture is answered, and once."""

import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from shared.contract.names import Queue
from tests.system.conftest import first
from tests.system.stack import House, Submission, assert_complete, end

pytestmark = pytest.mark.system

#: Enough for a fault to fall into the middle of the run.
PICTURES = 1200

#: From the fault, or from its repair where there is one, until answers flow again. Seconds.
RECOVERED_S = 15


@pytest.fixture(scope="module")
def folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return first(PICTURES, folder, tmp_path_factory.mktemp("some"))


def somewhere_in(submission: Submission) -> int:
    """Wait for a random moment of the run; the rows that were there then."""
    rows = random.randint(PICTURES // 10, PICTURES // 2)
    submission.wait_for(rows)
    time.sleep(random.random() * 0.3)
    print(f"the fault falls after {submission.count()} rows")
    return rows


def assert_recovered_and_complete(submission: Submission) -> None:
    assert submission.longest_pause(PICTURES) < RECOVERED_S
    assert submission.finish() == 0, submission.said()
    assert_complete(submission.rows(), PICTURES)
    assert len(submission.csv_rows()) == PICTURES


def test_one_of_two_workers_is_killed(house: House, folder: Path) -> None:
    first, _ = house.start_worker(), house.start_worker()
    submission = house.submit(folder)
    somewhere_in(submission)
    first.kill()
    assert_recovered_and_complete(submission)


def test_the_only_worker_is_killed_and_a_new_one_started(house: House, folder: Path) -> None:
    only = house.start_worker()
    submission = house.submit(folder)
    somewhere_in(submission)
    only.kill()
    house.start_worker()
    assert_recovered_and_complete(submission)


def test_a_worker_is_told_to_stop(house: House, folder: Path) -> None:
    only = house.start_worker()
    submission = house.submit(folder)
    somewhere_in(submission)
    end(only, signal.SIGTERM)
    assert only.returncode == 0
    assert house.client.zcard("melanoma:claimed") == 0, "what it held was given back"
    house.start_worker()
    assert_recovered_and_complete(submission)


def test_redis_is_restarted(house: House, folder: Path) -> None:
    house.start_worker()
    submission = house.submit(folder)
    somewhere_in(submission)
    house.broker.stop()
    time.sleep(2)
    house.broker.start()
    assert_recovered_and_complete(submission)
    assert "Redis is unavailable" in house.worker_logs()
    assert "Redis is available again" in house.worker_logs()


def test_every_queue_message_and_unacked_entry_is_deleted(house: House, folder: Path) -> None:
    house.start_worker()
    # More messages than a worker takes in hand, so that many of them lie in Redis.
    submission = house.submit(folder, "--window", "1000", "--shard", "4")
    somewhere_in(submission)
    deleted: Any = house.client.delete(*map(str, Queue), "unacked", "unacked_index")
    assert deleted >= 1, "there was something to lose"
    assert_recovered_and_complete(submission)


def test_the_picture_store_is_emptied(house: House, folder: Path) -> None:
    house.start_worker()
    submission = house.submit(folder, "--window", "1000")
    somewhere_in(submission)
    images = list(house.client.scan_iter("melanoma:image:*", count=5000))
    assert len(images) > 100
    house.client.delete(*images)
    assert_recovered_and_complete(submission)


def test_the_command_is_killed_and_resumes(house: House, folder: Path) -> None:
    house.start_worker()
    submission = house.submit(folder)
    somewhere_in(submission)
    submission.kill()
    before = submission.count()
    resumed = Submission(folder, submission.out, "--resume")
    assert resumed.finish() == 0, resumed.said()
    assert_complete(resumed.rows(), PICTURES)
    assert before < PICTURES
