"""Tests of `bulk.submission.submitter` on a real Redis, with a fake worker that decides by the bytes."""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from bulk.inputs.input_image import InputImage
from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from bulk.results.result_row import ResultRow
from bulk.submission import submitter
from bulk.submission.config import SubmissionConfig
from bulk.submission.image_batch import ImageBatch, SubmittedImage
from bulk.submission.submitter import Submitter
from bulk.submission.uploader import Uploader, UploadState
from shared.config.settings import Settings
from shared.contract.decision import Refusal, RefusalReason
from shared.contract.names import Queue
from shared.images.refusal import ImageRejected
from shared.ledger import transitions
from shared.ledger.records import NewJob
from shared.ledger.script_call import JOBS_PER_MESSAGE, KEY_PREFIX, ScriptCall
from shared.service.client import ServiceClient
from tests.bulk.fake_worker import FAIL, REFUSE, FakeWorker, decision

OUTBOX = "bulk:test"
KEY = b"key"


@pytest.fixture
def config(redis_url: str) -> Settings:
    return Settings(REDIS_URL=redis_url, _env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def connection(config: Settings) -> Iterator[ServiceClient]:
    with ServiceClient(config, role="bulk", stop=threading.Event()) as opened:
        yield opened


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as opened:
        yield opened


class Collected:
    """Results in the order in which they arrived."""

    def __init__(self) -> None:
        self.rows: list[ResultRow] = []

    def __call__(self, rows: Sequence[ResultRow]) -> None:
        self.rows += rows

    @property
    def names(self) -> Counter[str]:
        return Counter(row.name for row in self.rows)


def make_submitter(
    connection: ServiceClient,
    on_results: Callable[[Sequence[ResultRow]], None],
    *,
    window: int = 32,
    max_image_bytes: int = 2**24,
    stop: threading.Event | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> Submitter:
    return Submitter(
        connection.ledger,
        connection.store,
        connection.publisher,
        SubmissionConfig(
            outbox=OUTBOX, key=KEY, window=window, shard=4, deadline_s=60, max_image_bytes=max_image_bytes
        ),
        on_results=on_results,
        on_progress=on_progress,
        stop=stop,
    )


def images(count: int, size: int = 0) -> list[InputImage]:
    return [InputImage(f"{n}.jpg", partial(bytes, f"{n:07}".encode() + b"." * size)) for n in range(count)]


def submitted(image: InputImage) -> SubmittedImage:
    """`image` as an earlier run has read it."""
    read = ImageBatch(key=KEY, max_images=1, max_image_bytes=2**24).read(image)
    assert read is not None
    return read


def raising(error: Exception) -> Callable[[], bytes]:
    def load() -> bytes:
        raise error

    return load


def once_each(count: int) -> Counter[str]:
    return Counter(f"{n}.jpg" for n in range(count))


def waiting_jobs(client: Redis) -> int:
    return int(client.zcard(f"{KEY_PREFIX}ready:bulk"))  # type: ignore[arg-type]


def has_nothing_left(client: Redis) -> bool:
    left = [key for pattern in ("job:*", "image:bytes:*") for key in client.keys(KEY_PREFIX + pattern)]  # type: ignore[union-attr]
    return left == []


@pytest.mark.parametrize("window", [1, 3, 32])
def test_every_image_has_one_result(redis_url: str, connection: ServiceClient, client: Redis, window: int) -> None:
    collected = Collected()
    with FakeWorker(redis_url):
        make_submitter(connection, collected, window=window).run(images(101))
    assert collected.names == once_each(101)
    for row in collected.rows:
        assert row.decision == decision(row.name.removesuffix(".jpg").zfill(7).encode())
    assert has_nothing_left(client)


def test_refusals_and_failures_become_results(redis_url: str, connection: ServiceClient) -> None:
    collected = Collected()
    with FakeWorker(redis_url):
        make_submitter(connection, collected).run([InputImage("r", lambda: REFUSE), InputImage("f", lambda: FAIL)])
    assert {row.name: row.decision.kind for row in collected.rows} == {"r": "refusal", "f": "failure"}


def test_a_backlog_needs_fewer_messages_than_jobs(redis_url: str, connection: ServiceClient, client: Redis) -> None:
    """The fake worker leaves the messages where they are."""
    collected = Collected()
    with FakeWorker(redis_url, max_batch_size=4):
        make_submitter(connection, collected, window=40).run(images(400))
    assert collected.names == once_each(400)
    published: Any = client.llen("bulk")
    assert 40 / JOBS_PER_MESSAGE <= published < 20


def test_the_window_limits_the_images_in_flight(redis_url: str, connection: ServiceClient, client: Redis) -> None:
    collected = Collected()
    max_waiting = 0

    def loaded(data: bytes) -> bytes:
        nonlocal max_waiting
        max_waiting = max(max_waiting, waiting_jobs(client))
        return data

    many = [InputImage(f"{n}.jpg", partial(loaded, f"{n:07}".encode())) for n in range(200)]
    stop = threading.Event()
    submitter_ = make_submitter(connection, collected, window=24, stop=stop)
    waiting = threading.Thread(target=submitter_.run, args=(many,))
    waiting.start()
    time.sleep(0.5)  # no worker runs: the window fills and stays full
    assert waiting_jobs(client) == 24
    with FakeWorker(redis_url, max_batch_size=5):
        waiting.join(20)
    assert collected.names == once_each(200)
    assert max_waiting <= 24


def test_images_that_cannot_be_read_are_refused_without_a_worker(redis_url: str, connection: ServiceClient) -> None:
    collected = Collected()
    odd = [
        InputImage("empty", raising(ImageRejected(RefusalReason.EMPTY))),
        InputImage("vanished", raising(FileNotReadable(ReadProblem.VANISHED))),
        InputImage("large", lambda: bytes(1001)),
    ]
    with FakeWorker(redis_url):
        make_submitter(connection, collected, max_image_bytes=1000).run([*odd, *images(3)])
    assert collected.names == Counter(["empty", "vanished", "large"]) + once_each(3)
    reasons = {row.name: row.reason for row in collected.rows}
    assert reasons["empty"] is RefusalReason.EMPTY
    assert reasons["vanished"] is ReadProblem.VANISHED
    assert reasons["large"] is ReadProblem.LARGER_THAN_STORE


def test_a_run_of_unreadable_files_alone_ends(connection: ServiceClient) -> None:
    collected = Collected()
    broken = [InputImage(f"{n}.jpg", raising(FileNotReadable(ReadProblem.VANISHED))) for n in range(300)]
    started = time.monotonic()
    make_submitter(connection, collected).run(broken)
    assert collected.names == once_each(300)
    assert time.monotonic() - started < 4  # a wait after each batch would cost half a second


def test_images_that_the_store_lost_are_uploaded_again(
    redis_url: str, connection: ServiceClient, client: Redis
) -> None:
    collected = Collected()
    emptied = threading.Event()

    def empty_once() -> None:
        if waiting_jobs(client) >= 16 and not emptied.is_set():
            client.delete(*client.keys(KEY_PREFIX + "image:*"))  # type: ignore[misc]
            emptied.set()

    with FakeWorker(redis_url, interval_s=0.05, max_batch_size=4):
        make_submitter(connection, collected, on_progress=empty_once).run(images(60))
    assert emptied.is_set()
    assert collected.names == once_each(60)


def test_a_lost_image_whose_file_has_vanished_is_refused(
    redis_url: str, connection: ServiceClient, client: Redis
) -> None:
    collected = Collected()
    loads = iter([b"0000000"])

    def load() -> bytes:
        for data in loads:
            return data
        raise FileNotReadable(ReadProblem.VANISHED)

    def empty() -> None:
        if keys := client.keys(KEY_PREFIX + "image:*"):
            client.delete(*keys)  # type: ignore[misc]
            worker.process_batch()

    worker = FakeWorker(redis_url)
    make_submitter(connection, collected, on_progress=empty).run([InputImage("0.jpg", load)])
    (row,) = collected.rows
    assert row.reason is ReadProblem.VANISHED
    assert has_nothing_left(client)


def test_the_jobs_of_a_lost_ledger_are_created_again(
    redis_url: str, connection: ServiceClient, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitter, "_RECREATE_AFTER_S", 0.2)
    collected = Collected()
    run = threading.Thread(target=make_submitter(connection, collected).run, args=(images(40),))
    run.start()
    time.sleep(0.4)
    client.flushall()
    with FakeWorker(redis_url):
        run.join(20)
    assert not run.is_alive()
    assert collected.names == once_each(40)


def test_waits_while_the_store_is_full(redis_url: str, config: Settings) -> None:
    """The store takes 1 MiB: at most five of these images at once."""
    small = config.model_copy(update={"image_store_max_bytes": 2**20})
    collected = Collected()
    states = set()
    with ServiceClient(small, role="bulk", stop=threading.Event()) as connection, FakeWorker(redis_url):
        submitter_ = make_submitter(connection, collected, on_progress=lambda: states.add(submitter_.state))
        submitter_.run(images(30, size=200_000))
    assert collected.names == once_each(30)
    assert UploadState.STORE_FULL in states


def test_waits_while_redis_is_full(redis_url: str, connection: ServiceClient, client: Redis) -> None:
    collected = Collected()
    make_submitter(connection, collected).run([])  # the scripts are loaded while there is space for them
    client.config_set("maxmemory", "1")
    try:
        submitter_ = make_submitter(connection, collected)
        waiting = threading.Thread(target=submitter_.run, args=(images(30),))
        waiting.start()
        time.sleep(0.7)
        assert str(submitter_.state) == UploadState.REDIS_FULL
        assert waiting.is_alive()
    finally:
        client.config_set("maxmemory", "0")
    with FakeWorker(redis_url):
        waiting.join(20)
    assert collected.names == once_each(30)
    assert submitter_.state is UploadState.RUNNING


def test_a_stopped_run_is_completed_by_the_next_one(redis_url: str, connection: ServiceClient, client: Redis) -> None:
    first, second, stop = Collected(), Collected(), threading.Event()

    def stop_later(rows: Sequence[ResultRow]) -> None:
        first(rows)
        if len(first.rows) >= 20:
            stop.set()

    with FakeWorker(redis_url):
        make_submitter(connection, stop_later, stop=stop).run(images(100))
        rest = [image for image in images(100) if image.name not in first.names]
        assert rest
        make_submitter(connection, second).run(rest[40:], resumed=[submitted(image) for image in rest[:40]])
    assert first.names + second.names == once_each(100)
    assert has_nothing_left(client)


def test_a_resumed_image_keeps_its_decision_after_its_file_has_vanished(
    redis_url: str, connection: ServiceClient
) -> None:
    collected = Collected()
    submitter_ = make_submitter(connection, collected)
    kept, never_sent = (submitted(InputImage(name, lambda: REFUSE)) for name in ("kept.jpg", "never-sent.jpg"))
    id_ = kept.id
    connection.store.put({id_: REFUSE})
    connection.ledger.run(
        transitions.create_jobs(
            [NewJob(id_)], queue=Queue.BULK, outbox=OUTBOX, language="en", deadline_s=60, stored=True
        )
    )
    vanished = raising(FileNotReadable(ReadProblem.VANISHED))
    with FakeWorker(redis_url):
        submitter_.run(
            [],
            resumed=[
                replace(earlier, image=InputImage(earlier.image.name, vanished)) for earlier in (kept, never_sent)
            ],
        )
    decisions = {row.name: row.decision for row in collected.rows}
    assert decisions["kept.jpg"] == Refusal(reason=RefusalReason.NOT_A_PICTURE)
    assert getattr(decisions["never-sent.jpg"], "reason", None) is ReadProblem.VANISHED


def test_a_decision_of_another_release_is_a_failure_and_does_not_end_the_run(
    connection: ServiceClient, client: Redis
) -> None:
    collected = Collected()

    def spoil() -> None:
        for key in client.keys(KEY_PREFIX + "job:*"):  # type: ignore[union-attr]
            id_ = key.decode().rpartition(":")[2]
            if client.zrem(f"{KEY_PREFIX}ready:bulk", id_):
                client.hset(key, mapping={"stage": "decided", "decision": '{"kind":"oracle"}', "decided_at": "0"})
                client.zadd(f"{KEY_PREFIX}decided:{OUTBOX}", {id_: 0})

    make_submitter(connection, collected, on_progress=spoil).run(images(1))
    assert collected.rows[0].decision.kind == "failure"


def test_the_ledger_keeps_a_decision_until_the_disk_has_it(
    redis_url: str, connection: ServiceClient, client: Redis
) -> None:
    image, kept = InputImage("a.jpg", lambda: b"0000001"), Collected()

    def fail(_: Sequence[ResultRow]) -> None:
        raise OSError(28, "No space left on device")

    with FakeWorker(redis_url) as worker:
        with pytest.raises(OSError, match="No space"):
            make_submitter(connection, fail).run([image])
        assert not has_nothing_left(client)
        make_submitter(connection, kept).run([], resumed=[submitted(image)])
        assert worker.decided == {b"0000001": 1}
    assert kept.names == Counter(["a.jpg"])
    assert has_nothing_left(client)


def test_a_lost_image_whose_file_was_replaced_is_judged_by_its_new_bytes(
    redis_url: str, connection: ServiceClient, client: Redis
) -> None:
    """The bytes under an id never change: the job of the former bytes ends, and a new one begins."""
    collected = Collected()
    loads = iter([b"0000001"])
    emptied = threading.Event()

    def empty_once() -> None:
        if waiting_jobs(client) and not emptied.is_set():
            client.delete(*client.keys(KEY_PREFIX + "image:*"))  # type: ignore[misc]
            emptied.set()
            worker.process_batch()
        elif emptied.is_set():
            worker.process_batch()

    worker = FakeWorker(redis_url)
    replaced = InputImage("a.jpg", lambda: next(loads, b"0000002"))
    make_submitter(connection, collected, on_progress=empty_once).run([replaced])
    (row,) = collected.rows
    assert row.decision == decision(b"0000002")
    assert row.version.sha256 == hashlib.sha256(b"0000002").hexdigest()
    assert has_nothing_left(client)


def test_images_whose_jobs_a_full_redis_refuses_leave_no_bytes(
    connection: ServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = connection.ledger.run

    def refuse_jobs(call: ScriptCall[object]) -> object:
        if call.script == "create_jobs":
            raise OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")
        return run(call)

    # Redis becomes full between the images and their jobs.
    monkeypatch.setattr(connection.ledger, "run", refuse_jobs)
    config = SubmissionConfig(outbox=OUTBOX, key=KEY, window=32, shard=4, deadline_s=60, max_image_bytes=2**24)
    uploader = Uploader(connection.ledger, connection.store, connection.publisher, config, max_batch_size=8)
    assert uploader.upload({"a": b"image"}, space_expected=False) == []
    assert uploader.state is UploadState.REDIS_FULL
    assert connection.store.exist(["a"]) == [False]
    assert connection.store.get_used_bytes() == 0


def test_an_image_that_was_cancelled_while_it_was_read_leaves_no_bytes(connection: ServiceClient) -> None:
    config = SubmissionConfig(outbox=OUTBOX, key=KEY, window=32, shard=4, deadline_s=60, max_image_bytes=2**24)
    uploader = Uploader(connection.ledger, connection.store, connection.publisher, config, max_batch_size=8)
    uploader.upload_again({"gone": b"image"})
    assert connection.store.exist(["gone"]) == [False]
