"""No image holds up another for long, and a decode slot finishes every image, whatever is raised."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from PIL import Image

from shared.contract.decision import Failure, FailureReason, Refusal, RefusalReason
from shared.contract.names import Queue
from shared.images.decode import DecodedImage, decode
from shared.images.limits import DECODE_LIMITS, DecodeLimits
from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec
from shared.images.refusal import ImageRejected
from tests.shared.images.files import encode, encode_heic
from tests.worker.batching.decoder_traps import make_trapped_jpeg
from tests.worker.items import make_item, make_job, make_jpeg
from tests.worker.polling import eventually
from worker.batching.decode_lane import DecodeLane
from worker.batching.decode_stage import DecodeStage
from worker.batching.isolated_decoder import DecoderClosed, DecoderUnavailable, IsolatedDecoder
from worker.batching.weighted_semaphore import WeightedSemaphore
from worker.batching.work_item import Outcome, Released, WorkItem

SPEC = PreprocessingSpec(size=64, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)


class Sink:
    """Gets the decoded items, in their order. A test may make it slow."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._arrived = threading.Condition()
        self.on_item: Callable[[WorkItem], None] = lambda _: None

    def __call__(self, item: WorkItem) -> None:
        with self._arrived:
            self.ids.append(item.job.id)
            self._arrived.notify_all()
        self.on_item(item)

    def hold_up(self, matches: Callable[[WorkItem], bool]) -> threading.Event:
        """Let the slots of the items that match wait until the event is set."""
        resume = threading.Event()

        def wait(item: WorkItem) -> None:
            if matches(item):
                resume.wait(60)

        self.on_item = wait
        return resume

    def wait_for(self, *ids: str) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: set(ids) <= set(self.ids), 60), self.ids


@pytest.fixture
def sink() -> Sink:
    return Sink()


StageFactory = Callable[..., DecodeStage]


@pytest.fixture
def start_stage(sink: Sink) -> Iterator[StageFactory]:
    stages: list[DecodeStage] = []

    def start(*, slots: int = 1, limits: DecodeLimits = DECODE_LIMITS, timeout_s: float = 600) -> DecodeStage:
        stage = DecodeStage(SPEC, slots=slots, limits=limits, timeout_s=timeout_s, on_decoded=sink)
        stages.append(stage)
        stage.start()
        return stage

    yield start
    for stage in stages:
        stage.close()


def bulk(name: str, data: bytes | None = None, *, suspect: bool = False) -> WorkItem:
    return make_item(data or make_jpeg(), make_job(name, suspect=suspect))


def interactive(name: str, data: bytes | None = None, *, suspect: bool = False) -> WorkItem:
    return make_item(data or make_jpeg(), make_job(name, queue=Queue.INTERACTIVE, suspect=suspect))


def test_free_slot_takes_interactive_images_first_and_equals_in_order(start_stage: StageFactory, sink: Sink) -> None:
    entered, resume = threading.Semaphore(0), threading.Event()

    def block(_: WorkItem) -> None:
        entered.release()
        resume.wait(30)

    sink.on_item = block
    stage = start_stage(slots=1)
    for item in (bulk("b0"), interactive("i0")):  # one for the slot of any queue, one for the interactive slot
        stage.put(item)
        assert entered.acquire(timeout=30)
    for item in (bulk("b1"), bulk("b2"), interactive("i1"), bulk("b3"), interactive("i2"), interactive("i3")):
        stage.put(item)
    sink.on_item = lambda _: None
    resume.set()
    sink.wait_for("i1", "i2", "i3", "b1", "b2", "b3")
    assert sink.ids[:2] == ["b0", "i0"]
    assert [name for name in sink.ids if name[0] == "b"] == ["b0", "b1", "b2", "b3"]
    # Two slots take the rest: the interactive ones are begun first.
    assert set(sink.ids[2:5]) <= {"i1", "i2", "i3", "b1"}


def test_interactive_image_does_not_wait_for_bulk_images_in_all_slots(start_stage: StageFactory, sink: Sink) -> None:
    resume = sink.hold_up(lambda item: item.job.queue is Queue.BULK)
    stage = start_stage(slots=2)
    for number in range(5):
        stage.put(bulk(f"b{number}"))
    sink.wait_for("b0", "b1")
    stage.put(interactive("i"))
    sink.wait_for("i")
    assert sorted(sink.ids) == ["b0", "b1", "i"], "no other bulk image got the slot"
    resume.set()


def test_hanging_suspects_hold_up_nobody_else(start_stage: StageFactory, sink: Sink, trap: None) -> None:
    stage = start_stage(slots=1)
    suspects = [bulk("s0", make_trapped_jpeg("sleep"), suspect=True), bulk("s1", suspect=True)]
    others = [
        interactive("i", make_jpeg()),
        bulk("b", make_jpeg()),
        interactive("i-heic", encode_heic(Image.new("RGB", (64, 64)))),
        bulk("b-heic", encode_heic(Image.new("RGB", (64, 64)))),
    ]
    for item in [*suspects, *others]:
        stage.put(item)
    sink.wait_for("i", "b", "i-heic", "b-heic")
    assert "s1" not in sink.ids, "it waits for the other suspect"
    waiting = stage.close()
    assert waiting == [suspects[1]]
    suspects[0].message.take()
    assert suspects[0].outcome is Released.RELEASED, "it is not blamed for the end of its child"


@pytest.mark.parametrize("kind", ["TIFF", "AVIF", "HEIC"])
def test_containers_are_decoded_in_a_child(
    start_stage: StageFactory, sink: Sink, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode_here(*_: object, **_options: object) -> None:
        raise AssertionError("decoded in the worker")

    monkeypatch.setattr("worker.batching.in_process_decoder.decode", decode_here)
    image = Image.new("RGB", (64, 64), "brown")
    data = encode_heic(image) if kind == "HEIC" else encode(image, kind)
    stage = start_stage()
    item = bulk("a", data)
    stage.put(item)
    sink.wait_for("a")
    assert item.pixels is not None
    assert item.pixels.shape == (64, 64, 3)


class ScriptedDecoder:
    """Raises or returns one outcome after the other."""

    def __init__(self, *outcomes: object) -> None:
        self._outcomes = list(outcomes)
        self.closed = threading.Event()

    def decode(self, data: bytes) -> DecodedImage | Failure:
        outcome = self._outcomes.pop(0) if self._outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome if isinstance(outcome, Failure) else decode(data, SPEC)

    def running_s(self) -> float:
        return 0.0

    def close(self) -> None:
        self.closed.set()


def run_lane(decoder: ScriptedDecoder, sink: Callable[[WorkItem], None], items: list[WorkItem]) -> DecodeLane:
    lane = DecodeLane("test", [decoder], on_decoded=sink)
    lane.start()
    for item in items:
        lane.put(item)
    return lane


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (ImageRejected(RefusalReason.TOO_SMALL), Refusal(reason=RefusalReason.TOO_SMALL)),
        (DecoderClosed(), Released.RELEASED),
        (Failure(reason=FailureReason.DECODE_HUNG), Failure(reason=FailureReason.DECODE_HUNG)),
        (EOFError(), Failure(reason=FailureReason.DECODE_FAILED, detail="EOFError")),
        (BlockingIOError(), Failure(reason=FailureReason.DECODE_FAILED, detail="BlockingIOError")),
        (MemoryError(), Failure(reason=FailureReason.DECODE_FAILED, detail="MemoryError")),
        (RuntimeError("bug"), Failure(reason=FailureReason.DECODE_FAILED, detail="RuntimeError")),
    ],
)
def test_slot_finishes_the_image_and_goes_on_whatever_is_raised(sink: Sink, raised: object, outcome: Outcome) -> None:
    first, second = bulk("first"), bulk("second")
    lane = run_lane(ScriptedDecoder(raised), sink, [first, second])
    first.message.take()
    assert first.outcome == outcome
    sink.wait_for("second")
    lane.close()
    lane.stop()


def test_image_that_cannot_be_passed_on_fails_and_the_slot_goes_on(sink: Sink) -> None:
    def fail_once(item: WorkItem) -> None:
        if item.job.id == "first":
            raise RuntimeError("queue")

    sink.on_item = fail_once
    first, second = bulk("first"), bulk("second")
    lane = run_lane(ScriptedDecoder(), sink, [first, second])
    first.message.take()
    assert first.outcome == Failure(reason=FailureReason.DECODE_FAILED, detail="RuntimeError")
    sink.wait_for("second")
    lane.close()
    lane.stop()


def test_image_without_a_child_process_is_released_and_later_ones_are_tried(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.batching.decode_lane._UNAVAILABLE_PAUSE_S", 0.01)
    first, second = bulk("first", suspect=True), bulk("second", suspect=True)
    lane = run_lane(ScriptedDecoder(DecoderUnavailable("no process")), sink, [first, second])
    first.message.take()
    assert first.outcome is Released.RELEASED
    sink.wait_for("second")
    lane.close()
    lane.stop()


def test_close_does_not_wait_for_a_child_that_cannot_start(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.batching.decode_lane._UNAVAILABLE_PAUSE_S", 600)
    decoder = ScriptedDecoder(DecoderUnavailable("no process"))
    item = bulk("a")
    lane = run_lane(decoder, sink, [item])
    lane.close()
    lane.stop()
    item.finish(Released.RELEASED)  # if the slot had not begun it yet
    item.message.take()
    assert decoder.closed.is_set()
    assert lane.put(bulk("late")) is False


class RecordingBudget(WeightedSemaphore):
    """Records the largest sum of what is held at once."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self.acquired, self.peak = 0, 0
        self._record = threading.Lock()

    def acquire(self, weight: int) -> bool:
        is_acquired = super().acquire(weight)
        with self._record:
            self.acquired += weight if is_acquired else 0
            self.peak = max(self.peak, self.acquired)
        return is_acquired

    def release(self, weight: int) -> None:
        with self._record:
            self.acquired -= weight
        super().release(weight)


def test_slots_share_a_budget_of_memory_and_return_it(sink: Sink) -> None:
    megapixel = encode(Image.new("RGB", (1000, 1000), "brown"), "PNG")  # reserves 8 MB
    limits = DecodeLimits(max_memory=20 * 2**20)
    budget = RecordingBudget(limits.max_memory)
    decoders = [IsolatedDecoder(SPEC, limits=limits, budget=budget, timeout_s=600) for _ in range(4)]
    lane = DecodeLane("test", decoders, on_decoded=sink)
    items = [bulk(str(number), megapixel) for number in range(16)]
    damaged = [bulk(f"damaged {number}", megapixel[:-400]) for number in range(4)]
    for item in items + damaged:
        lane.put(item)
    lane.start()
    sink.wait_for(*(item.job.id for item in items))
    for item in damaged:
        item.message.take()
    assert 8_000_000 < budget.peak <= limits.max_memory
    lane.close()
    lane.stop()
    assert budget.acquired == 0


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_large_image_is_decoded_in_a_child(
    start_stage: StageFactory, sink: Sink, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its decoder would take a core, and for a while the interpreter's lock, from the threads of the worker."""
    in_child: list[bytes] = []
    decode_in_child = IsolatedDecoder.decode

    def record(self: IsolatedDecoder, data: bytes) -> DecodedImage | Failure:
        in_child.append(data)
        return decode_in_child(self, data)

    monkeypatch.setattr(IsolatedDecoder, "decode", record)
    large, small = (encode(Image.new("RGB", size, "brown"), kind) for size in ((3200, 3000), (64, 48)))
    stage = start_stage()
    items = [bulk("large", large), interactive("interactive", large), bulk("small", small)]
    for item in items:
        stage.put(item)
    sink.wait_for("large", "interactive", "small")
    assert in_child == [large, large]
    expected = decode(large, SPEC)
    assert items[0].pixels is not None
    assert (items[0].pixels == expected.pixels).all()


def test_photograph_does_not_wait_behind_large_images(start_stage: StageFactory, sink: Sink) -> None:
    resume = sink.hold_up(lambda item: item.job.id.startswith("large"))
    stage = start_stage(slots=1)
    for number in range(3):
        stage.put(bulk(f"large{number}", encode(Image.new("RGB", (3200, 3000)), "PNG")))
    sink.wait_for("large0")
    stage.put(bulk("photograph", make_jpeg(size=(1280, 960))))
    sink.wait_for("photograph")
    assert sink.ids == ["large0", "photograph"]
    resume.set()


def test_children_that_decode_bulk_images_are_nicer_than_the_worker(start_stage: StageFactory, sink: Sink) -> None:
    resume = sink.hold_up(lambda item: item.job.queue is Queue.BULK)
    stage = start_stage(slots=1)
    heic = encode_heic(Image.new("RGB", (64, 64)))
    worker = psutil.Process()
    for item in (bulk("b", heic), interactive("i", heic)):  # the second finds the slot of any queue occupied
        stage.put(item)
        sink.wait_for(item.job.id)
    # A Valkey of another test may be a child, too.
    decoders = [child for child in worker.children() if "worker.batching.decode_child" in child.cmdline()]
    assert sorted(child.nice() for child in decoders) == [worker.nice(), worker.nice() + 5]
    resume.set()


def test_image_that_waits_for_memory_does_not_hang_and_is_released_on_close(sink: Sink) -> None:
    budget = WeightedSemaphore(DECODE_LIMITS.max_memory)
    assert budget.acquire(DECODE_LIMITS.max_memory)
    decoder = IsolatedDecoder(SPEC, limits=DECODE_LIMITS, budget=budget, timeout_s=600)
    lane = DecodeLane("test", [decoder], on_decoded=sink)
    lane.start()
    item = bulk("a", encode(Image.new("RGB", (3200, 3000)), "PNG"))
    lane.put(item)
    eventually(lambda: budget._waiters)
    assert lane.get_hanging_items(0) == []
    lane.close()
    lane.stop()
    item.message.take()
    assert item.outcome is Released.RELEASED
    assert sink.ids == []


def test_decode_that_takes_too_long_in_a_thread_is_reported(
    start_stage: StageFactory, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, resume = threading.Event(), threading.Event()

    def hang(data: bytes, *arguments: Any, **options: Any) -> DecodedImage:
        entered.set()
        resume.wait(60)
        return decode(data, *arguments, **options)

    monkeypatch.setattr("worker.batching.in_process_decoder.decode", hang)
    stage = start_stage(slots=2)
    item = bulk("a")
    stage.put(item)
    assert entered.wait(30)
    assert stage.get_hanging_items(600) == []
    assert stage.get_hanging_items(0) == [item]
    resume.set()
    sink.wait_for("a")
    deadline = time.monotonic() + 30
    while stage.get_hanging_items(0):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_suspect_that_uses_its_time_limit_is_no_hang_of_the_worker(start_stage: StageFactory, trap: None) -> None:
    stage = start_stage(timeout_s=2)
    item = bulk("a", make_trapped_jpeg("sleep"), suspect=True)
    stage.put(item)
    while item.outcome is None:
        assert stage.get_hanging_items(0) == []
        time.sleep(0.02)
    assert item.outcome == Failure(reason=FailureReason.DECODE_HUNG)
