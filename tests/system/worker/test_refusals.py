"""Redis refuses a worker, or the worker's device gives no answers. Real workers with a scripted runtime."""

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psutil
import pytest
from PIL import Image

from benchmarks.harness.redis_faults import without_replicas
from local.embedded_valkey import free_port
from shared.contract.decision import FailureReason
from tests.system.faults.faulty_stack import frozen
from tests.system.support.polling import eventually, fetch_page
from tests.system.support.scripted_runtime import ALL_NAN, NAN, ScriptedRuntime
from tests.system.support.stack import ServiceStack, assert_complete

pytestmark = pytest.mark.system

_STORE_USER: Final = "images"
_IMAGES: Final = 200


class RefusedStack:
    """A worker with a scripted runtime and a user of its own for the image store, and a folder of images."""

    def __init__(self, stack: ServiceStack, runtime: ScriptedRuntime, folder: Path) -> None:
        self.stack, self.runtime, self.folder = stack, runtime, folder
        self._set_acl("on", ">password", "~*", "+@all")
        self.metrics_port = free_port()
        self.start_worker()

    def start_worker(self) -> None:
        store_url = self.stack.broker.url.replace("redis://", f"redis://{_STORE_USER}:password@")
        self.worker = self.stack.start_worker(
            environment={
                "MELANOMA_IMAGE_STORE_URL": store_url,
                "MELANOMA_METRICS_PORT": str(self.metrics_port),
                **self.runtime.environment,
            }
        )

    def log_events(self, event: str, since: int = 0) -> int:
        return self.worker.log.read_text()[since:].count(event)

    @contextlib.contextmanager
    def refused_reads(self) -> Iterator[None]:
        """The store denies the worker its reads inside the context."""
        self._set_acl("-mget")
        try:
            yield
        finally:
            self._set_acl("+mget")

    def _set_acl(self, *rules: str) -> None:
        client: Any = self.stack.client
        client.execute_command("ACL", "SETUSER", _STORE_USER, *rules)


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RefusedStack]:
    home = tmp_path_factory.mktemp("refused")
    folder = home / "photographs"
    folder.mkdir()
    for number in range(_IMAGES):
        Image.new("RGB", (64, 64), (60 + number % 150, number % 60, 0)).save(folder / f"{number:04}.png")
    with ServiceStack(home) as stack:
        yield RefusedStack(stack, ScriptedRuntime(home / "runtime"), folder)


def dead_letters(refused: RefusedStack) -> Any:
    return refused.stack.client.zcard("melanoma:dead_letters")


def test_image_whose_output_is_nan_fails_alone(refused: RefusedStack, tmp_path: Path) -> None:
    for number in range(8):
        Image.new("RGB", (64, 64), (150, 10 * number, 0)).save(tmp_path / f"{number}.png")
    Image.new("RGB", (64, 64)).save(tmp_path / "black.png")
    refused.runtime.begin(NAN)
    try:
        submission = refused.stack.submit(tmp_path, "--shard", "9")
        assert submission.finish() in (0, 1), submission.output()
    finally:
        refused.runtime.end(NAN)
    rows = {row["file"]: row for row in submission.rows()}
    assert (len(rows), rows.pop("black.png")["reason"]) == (9, FailureReason.PREDICT_FAILED)
    assert {row["kind"] for row in rows.values()} == {"verdict"}
    assert dead_letters(refused) == 1
    assert refused.log_events("cannot be judged") == 0, "it is noticed right after predict"
    refused.stack.client.delete("melanoma:dead_letters")


def test_metrics_are_served_while_redis_hangs(refused: RefusedStack) -> None:
    process = psutil.Process(refused.worker.pid)
    before = process.num_threads()
    with frozen(refused.stack.broker):
        for _ in range(30):
            page = fetch_page(f"http://127.0.0.1:{refused.metrics_port}/metrics")
            assert page is not None
            assert "melanoma_verdicts_total" in page
        assert process.num_threads() <= before + 5, "no scrape leaves a thread that waits for Redis"


def test_store_that_refuses_reads_for_a_while_costs_no_attempt(refused: RefusedStack) -> None:
    submission = refused.stack.submit(refused.folder)
    submission.wait_for_rows(5)
    with refused.refused_reads():
        eventually(lambda: refused.log_events("a call to Redis is refused, pausing"))
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), _IMAGES)
    assert dead_letters(refused) == 0
    assert refused.log_events("calls to Redis are accepted again") >= 1
    assert refused.worker.returncode is None


def test_stopped_worker_writes_its_verdicts_after_a_spell_without_replicas(refused: RefusedStack) -> None:
    submission = refused.stack.submit(refused.folder)
    submission.wait_for_rows(5)
    with without_replicas(refused.stack.broker.url):
        refused.worker.send_signal(signal.SIGTERM)
        eventually(lambda: refused.log_events("stopping: finishing the batch in flight"))
        assert refused.worker.returncode is None
    assert refused.worker.wait(30) == 0, refused.worker.log.read_text()
    assert refused.stack.client.zcard("melanoma:claimed") == 0
    assert not refused.log_events("leaving jobs to the recovery sweep")
    refused.start_worker()
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), _IMAGES)


def last_sentence(refused: RefusedStack) -> str:
    """The one sentence with which the worker ended."""
    log = refused.worker.log.read_text()
    (sentence,) = (line for line in log.splitlines() if line.startswith("melanoma-worker:"))
    return sentence


def test_worker_whose_device_answers_nothing_any_more_exits_and_fails_no_image(refused: RefusedStack) -> None:
    submission = refused.stack.submit(refused.folder)
    submission.wait_for_rows(5)
    refused.runtime.begin(ALL_NAN)
    try:
        assert refused.worker.wait(60) == 2, refused.worker.log.read_text()
    finally:
        refused.runtime.end(ALL_NAN)
    sentence = last_sentence(refused)
    assert "CPU:0 (scripted)" in sentence
    assert "MELANOMA_DEVICE" in sentence
    client: Any = refused.stack.client
    assert client.zcard("melanoma:claimed") == 0
    assert not any(client.hget(key, "suspect") == b"1" for key in client.scan_iter("melanoma:job:*"))
    refused.start_worker()
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), _IMAGES)
    assert {row["kind"] for row in submission.rows()} == {"verdict"}
    assert dead_letters(refused) == 0


def test_worker_that_is_denied_the_store_for_good_exits_with_one_sentence(refused: RefusedStack) -> None:
    submission = refused.stack.submit(refused.folder)
    submission.wait_for_rows(5)
    with refused.refused_reads():
        assert refused.worker.wait(60) == 2, refused.worker.log.read_text()
    assert "MELANOMA_IMAGE_STORE_URL" in last_sentence(refused)
    assert refused.stack.client.zcard("melanoma:claimed") == 0
    refused.start_worker()
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), _IMAGES)
    assert dead_letters(refused) == 0
