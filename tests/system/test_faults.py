"""Something fails in the middle of a folder run. Each image still gets exactly one result."""

import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from local.subprocesses import BackgroundProcess
from shared.config.settings import Settings
from shared.contract.names import Queue
from tests.system.conftest import link_first
from tests.system.support.polling import eventually
from tests.system.support.stack import ServiceStack, Submission, assert_complete, stop_with_signal

pytestmark = pytest.mark.system

#: Enough that a fault can fall into the middle of a run.
IMAGES = 600

#: Longest time in seconds without a new row, after the fault or its repair.
RECOVERY_LIMIT_S = 15


@pytest.fixture(scope="module")
def folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return link_first(IMAGES, folder, tmp_path_factory.mktemp("first"))


def wait_for_random_row(submission: Submission) -> int:
    """Wait for a random moment of the run. Returns the number of rows that it waited for."""
    rows = random.randint(IMAGES // 10, IMAGES // 2)
    submission.wait_for_rows(rows)
    time.sleep(random.random() * 0.3)
    print(f"fault after {submission.row_count()} rows")
    return rows


def assert_recovered_and_complete(submission: Submission) -> None:
    assert submission.longest_pause(IMAGES) < RECOVERY_LIMIT_S
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), IMAGES)
    assert len(submission.csv_rows()) == IMAGES


def only_worker(stack: ServiceStack) -> BackgroundProcess:
    """The worker of a stack that has no other."""
    (worker,) = (worker for worker in stack.workers if worker.returncode is None)
    return worker


def test_killed_worker_returns_its_jobs_to_another(serving_stack: ServiceStack, folder: Path) -> None:
    first = serving_stack.start_worker()
    submission = serving_stack.submit(folder)
    wait_for_random_row(submission)
    first.kill()
    assert_recovered_and_complete(submission)


def test_killed_only_worker_is_replaced_and_loses_nothing(serving_stack: ServiceStack, folder: Path) -> None:
    only = only_worker(serving_stack)
    submission = serving_stack.submit(folder)
    wait_for_random_row(submission)
    only.kill()
    # The folder command sweeps, too.
    eventually(lambda: not serving_stack.client.zcard("melanoma:claimed"))
    client: Any = serving_stack.client
    suspects = [key for key in client.scan_iter("melanoma:job:*") if client.hget(key, "suspect") == b"1"]
    print(f"{len(suspects)} suspects")
    assert len(suspects) <= Settings().max_bulk_in_flight, "the others only waited in the worker"
    serving_stack.start_worker()
    assert_recovered_and_complete(submission)


def test_terminated_worker_releases_its_jobs(serving_stack: ServiceStack, folder: Path) -> None:
    only = only_worker(serving_stack)
    submission = serving_stack.submit(folder)
    wait_for_random_row(submission)
    stop_with_signal(only, signal.SIGTERM)
    assert only.returncode == 0
    assert serving_stack.client.zcard("melanoma:claimed") == 0, "its jobs must be released"
    serving_stack.start_worker()
    assert_recovered_and_complete(submission)


def test_redis_restart_loses_nothing(serving_stack: ServiceStack, folder: Path) -> None:
    submission = serving_stack.submit(folder)
    wait_for_random_row(submission)
    serving_stack.broker.stop()
    time.sleep(2)
    serving_stack.broker.start()
    assert_recovered_and_complete(submission)
    assert "Redis is unavailable" in serving_stack.worker_logs()
    assert "Redis is available again" in serving_stack.worker_logs()


def test_deleted_queue_messages_are_published_again(serving_stack: ServiceStack, folder: Path) -> None:
    # More messages than a worker holds, so that many of them are in Redis.
    submission = serving_stack.submit(folder, "--window", "1000", "--shard", "4")
    wait_for_random_row(submission)
    deleted: Any = serving_stack.client.delete(*map(str, Queue), "unacked", "unacked_index")
    assert deleted >= 1, "there must be messages to lose"
    assert_recovered_and_complete(submission)


def test_images_deleted_from_the_store_are_uploaded_again(serving_stack: ServiceStack, folder: Path) -> None:
    submission = serving_stack.submit(folder, "--window", "1000")
    wait_for_random_row(submission)
    images = list(serving_stack.client.scan_iter("melanoma:image:*", count=5000))
    assert len(images) > 100
    serving_stack.client.delete(*images)
    assert_recovered_and_complete(submission)


def test_killed_folder_command_resumes(serving_stack: ServiceStack, folder: Path) -> None:
    submission = serving_stack.submit(folder)
    wait_for_random_row(submission)
    submission.kill()
    before = submission.row_count()
    resumed = Submission(folder, submission.out, "--resume")
    assert resumed.finish() == 0, resumed.output()
    assert_complete(resumed.rows(), IMAGES)
    assert before < IMAGES
