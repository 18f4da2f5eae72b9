"""The engine, on a real Redis, with a worker that decides by the bytes."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest
from redis import Redis

from bulk.rejections import FileNotReadable, ReadProblem
from bulk.submission import submitter as engine
from bulk.submission.items import ImageResult, InputImage
from bulk.submission.submitter import Submitter
from bulk.submission.uploader import State
from shared.config.settings import Settings
from shared.contract.decision import Refusal, RefusalReason
from shared.contract.names import Queue
from shared.images.refusal import ImageRejected
from shared.ledger import transitions
from shared.ledger.records import NewJob
from shared.ledger.script_call import KEY_PREFIX
from shared.service.client import ServiceClient
from tests.bulk.fake_worker import FAIL, REFUSE, Answerer, decision

OUTBOX = "bulk:test"
KEY = b"key"


@pytest.fixture
def config(redis_url: str) -> Settings:
    return Settings(REDIS_URL=redis_url, _env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def connection(config: Settings) -> Iterator[ServiceClient]:
    with ServiceClient(config, role="bulk", shard=4, stop=threading.Event()) as opened:
        yield opened


@pytest.fixture
def client(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as opened:
        yield opened


class Collected:
    """Answers as they came."""

    def __init__(self) -> None:
        self.answers: list[ImageResult] = []

    def __call__(self, answers: Sequence[ImageResult]) -> None:
        self.answers += answers

    @property
    def names(self) -> Counter[str]:
        return Counter(answer.name for answer in self.answers)


def make(
    connection: ServiceClient,
    on_answers: Callable[[Sequence[ImageResult]], None],
    *,
    window: int = 32,
    budget: int = 2**24,
    stop: threading.Event | None = None,
    on_wait: Callable[[], None] = lambda: None,
) -> Submitter:
    return Submitter(
        ledger=connection.ledger,
        store=connection.store,
        publisher=connection.publisher,
        outbox=OUTBOX,
        key=KEY,
        window=window,
        shard=4,
        deadline_s=60,
        store_budget=budget,
        on_answers=on_answers,
        on_wait=on_wait,
        stop=stop,
    )


def pictures(count: int, size: int = 0) -> list[InputImage]:
    return [InputImage(f"{n}.jpg", partial(bytes, f"{n:07}".encode() + b"." * size)) for n in range(count)]


def raising(error: Exception) -> Callable[[], bytes]:
    def load() -> bytes:
        raise error

    return load


def once_each(count: int) -> Counter[str]:
    return Counter(f"{n}.jpg" for n in range(count))


def waiting_jobs(client: Redis) -> int:
    return int(client.zcard(f"{KEY_PREFIX}ready:bulk"))  # type: ignore[arg-type]


def nothing_is_left(client: Redis) -> bool:
    left = [key for pattern in ("job:*", "image:bytes:*") for key in client.keys(KEY_PREFIX + pattern)]  # type: ignore[union-attr]
    return left == []


@pytest.mark.parametrize("window", [1, 3, 32])
def test_every_picture_is_answered_once(redis_url: str, connection: ServiceClient, client: Redis, window: int) -> None:
    collected = Collected()
    with Answerer(redis_url):
        make(connection, collected, window=window).run(pictures(101))
    assert collected.names == once_each(101)
    for answer in collected.answers:
        assert answer.decision == decision(answer.name.removesuffix(".jpg").zfill(7).encode())
    assert nothing_is_left(client)


def test_refusals_and_failures_come_through(redis_url: str, connection: ServiceClient) -> None:
    collected = Collected()
    with Answerer(redis_url):
        make(connection, collected).run([InputImage("r", lambda: REFUSE), InputImage("f", lambda: FAIL)])
    assert {answer.name: answer.decision.kind for answer in collected.answers} == {"r": "refusal", "f": "failure"}


def test_messages_are_full(redis_url: str, connection: ServiceClient, client: Redis) -> None:
    collected = Collected()
    with Answerer(redis_url, at_once=4):
        make(connection, collected, window=8).run(pictures(40))
    assert client.llen("bulk") == 10


def test_no_more_than_the_window_is_in_flight(redis_url: str, connection: ServiceClient, client: Redis) -> None:
    collected = Collected()
    most = 0

    def loaded(data: bytes) -> bytes:
        nonlocal most
        most = max(most, waiting_jobs(client))
        return data

    many = [InputImage(f"{n}.jpg", partial(loaded, f"{n:07}".encode())) for n in range(200)]
    stop = threading.Event()
    run = make(connection, collected, window=24, stop=stop)
    waiting = threading.Thread(target=run.run, args=(many,))
    waiting.start()
    time.sleep(0.5)  # nobody answers: the window fills and stays
    assert waiting_jobs(client) == 24
    with Answerer(redis_url, at_once=5):
        waiting.join(20)
    assert collected.names == once_each(200)
    assert most <= 24


def test_pictures_that_cannot_be_read_are_answered_here(redis_url: str, connection: ServiceClient) -> None:
    collected = Collected()
    odd = [
        InputImage("empty", raising(ImageRejected(RefusalReason.EMPTY))),
        InputImage("gone", raising(FileNotReadable(ReadProblem.VANISHED))),
        InputImage("large", lambda: bytes(1001)),
    ]
    with Answerer(redis_url):
        make(connection, collected, budget=1000).run([*odd, *pictures(3)])
    assert collected.names == Counter(["empty", "gone", "large"]) + once_each(3)
    reasons = {answer.name: getattr(answer.decision, "reason", None) for answer in collected.answers}
    assert reasons["empty"] is RefusalReason.EMPTY
    assert reasons["gone"] is ReadProblem.VANISHED
    assert reasons["large"] is ReadProblem.LARGER_THAN_STORE


def test_a_folder_of_nothing_but_unreadable_files_ends(connection: ServiceClient) -> None:
    collected = Collected()
    broken = [InputImage(f"{n}.jpg", raising(FileNotReadable(ReadProblem.VANISHED))) for n in range(300)]
    started = time.monotonic()
    make(connection, collected).run(broken)
    assert collected.names == once_each(300)
    assert time.monotonic() - started < 4  # half a second for each group, were there a wait in between


def test_pictures_that_the_store_lost_are_uploaded_again(
    redis_url: str, connection: ServiceClient, client: Redis
) -> None:
    collected = Collected()
    emptied = threading.Event()

    def empty_once() -> None:
        if waiting_jobs(client) >= 16 and not emptied.is_set():
            client.delete(*client.keys(KEY_PREFIX + "image:*"))  # type: ignore[misc]
            emptied.set()

    with Answerer(redis_url, every_s=0.05, at_once=4):
        make(connection, collected, on_wait=empty_once).run(pictures(60))
    assert emptied.is_set()
    assert collected.names == once_each(60)


def test_a_lost_picture_whose_file_is_gone_is_refused(redis_url: str, connection: ServiceClient, client: Redis) -> None:
    collected = Collected()
    loads = iter([b"0000000"])

    def load() -> bytes:
        for data in loads:
            return data
        raise FileNotReadable(ReadProblem.VANISHED)

    def empty() -> None:
        if keys := client.keys(KEY_PREFIX + "image:*"):
            client.delete(*keys)  # type: ignore[misc]
            answerer.answer_some()

    answerer = Answerer(redis_url)
    make(connection, collected, on_wait=empty).run([InputImage("0.jpg", load)])
    ((answer),) = collected.answers
    assert getattr(answer.decision, "reason", None) is ReadProblem.VANISHED
    assert nothing_is_left(client)


def test_a_ledger_that_was_lost_is_filled_again(
    redis_url: str, connection: ServiceClient, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_REOPEN_AFTER_S", 0.2)
    collected = Collected()
    run = threading.Thread(target=make(connection, collected).run, args=(pictures(40),))
    run.start()
    time.sleep(0.4)
    client.flushall()
    with Answerer(redis_url):
        run.join(20)
    assert not run.is_alive()
    assert collected.names == once_each(40)


def test_a_full_store_is_waited_for(redis_url: str, config: Settings) -> None:
    """The store takes 1 MiB: at most five of these pictures at once."""
    small = config.model_copy(update={"image_store_max_bytes": 2**20})
    collected = Collected()
    states = set()
    with ServiceClient(small, role="bulk", shard=4, stop=threading.Event()) as connection, Answerer(redis_url):
        run = make(connection, collected, on_wait=lambda: states.add(run.state))
        run.run(pictures(30, size=200_000))
    assert collected.names == once_each(30)
    assert State.STORE_FULL in states


def test_a_full_redis_is_waited_for(redis_url: str, connection: ServiceClient, client: Redis) -> None:
    collected = Collected()
    make(connection, collected).run([])  # the scripts are known before there is no room for them
    client.config_set("maxmemory", "1")
    try:
        run = make(connection, collected)
        waiting = threading.Thread(target=run.run, args=(pictures(30),))
        waiting.start()
        time.sleep(0.7)
        assert str(run.state) == State.REDIS_FULL
        assert waiting.is_alive()
    finally:
        client.config_set("maxmemory", "0")
    with Answerer(redis_url):
        waiting.join(20)
    assert collected.names == once_each(30)
    assert run.state is State.RUNNING


def test_a_stop_leaves_the_rest_and_the_next_run_brings_it(
    redis_url: str, connection: ServiceClient, client: Redis
) -> None:
    first, second, stop = Collected(), Collected(), threading.Event()

    def stop_later(answers: Sequence[ImageResult]) -> None:
        first(answers)
        if len(first.answers) >= 20:
            stop.set()

    with Answerer(redis_url):
        make(connection, stop_later, stop=stop).run(pictures(100))
        rest = [picture for picture in pictures(100) if picture.name not in first.names]
        assert rest
        make(connection, second).run(rest[40:], earlier=rest[:40])
    assert first.names + second.names == once_each(100)
    assert nothing_is_left(client)


def test_an_earlier_picture_keeps_its_answer_though_its_file_is_gone(redis_url: str, connection: ServiceClient) -> None:
    collected = Collected()
    run = make(connection, collected)
    id_ = run.id_of("kept.jpg")
    connection.store.put({id_: REFUSE})
    connection.ledger.run(
        transitions.create_jobs(
            [NewJob(id_)], queue=Queue.BULK, outbox=OUTBOX, language="en", deadline_s=60, stored=True
        )
    )
    gone = raising(FileNotReadable(ReadProblem.VANISHED))
    with Answerer(redis_url):
        run.run([], earlier=[InputImage("kept.jpg", gone), InputImage("never-sent.jpg", gone)])
    decisions = {answer.name: answer.decision for answer in collected.answers}
    assert decisions["kept.jpg"] == Refusal(reason=RefusalReason.NOT_A_PICTURE)
    assert getattr(decisions["never-sent.jpg"], "reason", None) is ReadProblem.VANISHED


def test_a_decision_of_another_release_is_a_failure_and_not_the_end(connection: ServiceClient, client: Redis) -> None:
    collected = Collected()

    def spoil() -> None:
        for key in client.keys(KEY_PREFIX + "job:*"):  # type: ignore[union-attr]
            id_ = key.decode().rpartition(":")[2]
            if client.zrem(f"{KEY_PREFIX}ready:bulk", id_):
                client.hset(key, mapping={"stage": "decided", "decision": '{"kind":"oracle"}', "decided_at": "0"})
                client.zadd(f"{KEY_PREFIX}decided:{OUTBOX}", {id_: 0})

    make(connection, collected, on_wait=spoil).run(pictures(1))
    assert collected.answers[0].decision.kind == "failure"
