"""A picture through decode and predict: each finishes, a bad one fails alone, the collector never dies."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from runtimes.base import PredictionBatch
from shared.config.settings import Settings
from shared.contract.decision import Failure, FailureReason, Refusal, RefusalReason
from shared.contract.names import Queue
from shared.model.artefact import Manifest, read_artefact
from tests.worker.images import claimed, image, jpeg
from worker.batching.pipeline import Pipeline
from worker.batching.work_item import CountDownLatch, Prediction, Released, WorkItem

ARTEFACT = Path("models/lite0")


class ScriptedPredictor:
    """A device whose behaviour the test decides: the real one neither fails nor waits on demand."""

    runtime = "scripted"
    device = "scripted"

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.on_batch: Callable[[NDArray[np.uint8]], None] = lambda _: None

    def predict(self, images: NDArray[np.uint8]) -> PredictionBatch:
        self.batches.append(len(images))
        self.on_batch(images)
        count = len(images)
        return PredictionBatch(
            np.full((count, 7), 1 / 7, np.float32),
            np.zeros((count, 7, 7), np.float32),
            np.ones(count, np.float32),
            np.tile(np.array([1, 0, 0], np.float32), (count, 1)),
        )


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_artefact(ARTEFACT)


@pytest.fixture
def device() -> ScriptedPredictor:
    return ScriptedPredictor()


@pytest.fixture
def pipeline(device: ScriptedPredictor, manifest: Manifest) -> Iterator[Pipeline]:
    made = Pipeline(device, manifest, Settings(max_batch_size=8, decode_slots=2, decode_timeout_s=5))
    made.start()
    device.batches.clear()
    yield made
    made.release()
    made.join()


def run(pipeline: Pipeline, images: list[WorkItem]) -> None:
    for each in images:
        pipeline.put(each)
    for each in images:
        each.latch.wait()


def test_every_picture_of_a_message_gets_its_outcome(pipeline: Pipeline) -> None:
    latch = CountDownLatch(3)
    message = [image(jpeg(), latch=latch), image(b"not a picture", latch=latch), image(b"", latch=latch)]
    run(pipeline, message)
    assert isinstance(message[0].outcome, Prediction)
    assert message[1].outcome == Refusal(reason=RefusalReason.NOT_A_PICTURE)
    assert message[2].outcome == Refusal(reason=RefusalReason.EMPTY)


def test_an_idle_device_starts_at_once_and_a_busy_one_gathers(pipeline: Pipeline, device: ScriptedPredictor) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def block(_: object) -> None:
        entered.set()
        go_on.wait(5)

    device.on_batch = block
    first = image(jpeg())
    pipeline.put(first)
    assert entered.wait(5), "one picture is enough for an idle device"
    others = [image(jpeg(), claimed(f"p{number}")) for number in range(8)]
    for other in others:
        pipeline.put(other)
    deadline = time.monotonic() + 5
    while any(other.pixels is None for other in others) and time.monotonic() < deadline:
        time.sleep(0.01)
    device.on_batch = lambda _: None
    go_on.set()
    for other in others:
        other.latch.wait()
    assert device.batches[0] == 1
    assert len(device.batches) < 1 + len(others)


def test_a_batch_that_raises_is_tried_picture_by_picture(pipeline: Pipeline, device: ScriptedPredictor) -> None:
    def hates_black(images: NDArray[np.uint8]) -> None:
        if any(one.max() < 16 for one in images):
            raise RuntimeError("black")

    device.on_batch = hates_black
    images = [image(jpeg(colour), claimed(colour)) for colour in ("brown", "black", "tan", "beige")]
    run(pipeline, images)
    outcomes = {each.job.id: each.outcome for each in images}
    assert outcomes.pop("black") == Failure(reason=FailureReason.PREDICT_FAILED, detail="RuntimeError")
    assert all(isinstance(outcome, Prediction) for outcome in outcomes.values())


def test_a_picture_past_its_deadline_costs_nothing_more(pipeline: Pipeline, device: ScriptedPredictor) -> None:
    late = image(jpeg(), claimed(remaining_s=-1))
    run(pipeline, [late])
    assert late.outcome == Failure(reason=FailureReason.DEADLINE)
    assert device.batches == []


def test_a_suspect_picture_is_decoded_by_a_child_like_any_other(pipeline: Pipeline) -> None:
    suspect, damaged = image(jpeg(), claimed(suspect=True)), image(jpeg()[:400], claimed(suspect=True))
    run(pipeline, [suspect, damaged])
    assert isinstance(suspect.outcome, Prediction)
    assert isinstance(damaged.outcome, Refusal)


def test_stopping_finishes_the_batch_in_hand_and_releases_the_rest(
    pipeline: Pipeline, device: ScriptedPredictor
) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def block(_: object) -> None:
        entered.set()
        go_on.wait(5)

    device.on_batch = block
    in_hand = image(jpeg(), claimed("in hand", queue=Queue.INTERACTIVE))
    pipeline.put(in_hand)
    assert entered.wait(5)
    waiting = [image(jpeg(), claimed(f"p{number}")) for number in range(20)]
    for each in waiting:
        pipeline.put(each)
    pipeline.release()
    for each in waiting:
        each.latch.wait()
    assert {each.outcome for each in waiting} == {Released.RELEASED}
    go_on.set()
    in_hand.latch.wait()
    assert isinstance(in_hand.outcome, Prediction)
    late = image(jpeg())
    run(pipeline, [late])
    assert late.outcome is Released.RELEASED
