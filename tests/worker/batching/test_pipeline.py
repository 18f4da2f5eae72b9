"""The pipeline finishes every item, lets a bad image fail alone and survives a batch that raises."""

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
from tests.worker.items import make_item, make_job, make_jpeg
from worker.batching.pipeline import Pipeline
from worker.batching.work_item import CountDownLatch, Prediction, Released, WorkItem

ARTEFACT = Path("models/lite0")


class ScriptedPredictor:
    """A predictor that the test scripts: a real one neither fails nor waits on demand."""

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
    pipeline = Pipeline(device, manifest, Settings(max_batch_size=8, decode_slots=2, decode_timeout_s=5))
    pipeline.start()
    device.batches.clear()
    yield pipeline
    pipeline.release()
    pipeline.join()


def run(pipeline: Pipeline, images: list[WorkItem]) -> None:
    for item in images:
        pipeline.put(item)
    for item in images:
        item.latch.wait()


def test_every_item_of_a_message_gets_its_outcome(pipeline: Pipeline) -> None:
    latch = CountDownLatch(3)
    message = [
        make_item(make_jpeg(), latch=latch),
        make_item(b"not an image", latch=latch),
        make_item(b"", latch=latch),
    ]
    run(pipeline, message)
    assert isinstance(message[0].outcome, Prediction)
    assert message[1].outcome == Refusal(reason=RefusalReason.NOT_A_PICTURE)
    assert message[2].outcome == Refusal(reason=RefusalReason.EMPTY)


def test_idle_device_starts_at_once_and_busy_device_gathers_a_batch(
    pipeline: Pipeline, device: ScriptedPredictor
) -> None:
    entered, resume = threading.Event(), threading.Event()

    def block(_: object) -> None:
        entered.set()
        resume.wait(5)

    device.on_batch = block
    first = make_item(make_jpeg())
    pipeline.put(first)
    assert entered.wait(5), "one image is enough for an idle device"
    others = [make_item(make_jpeg(), make_job(f"p{number}")) for number in range(8)]
    for other in others:
        pipeline.put(other)
    deadline = time.monotonic() + 5
    while any(other.pixels is None for other in others) and time.monotonic() < deadline:
        time.sleep(0.01)
    device.on_batch = lambda _: None
    resume.set()
    for other in others:
        other.latch.wait()
    assert device.batches[0] == 1
    assert len(device.batches) < 1 + len(others)


def test_batch_that_raises_is_predicted_item_by_item(pipeline: Pipeline, device: ScriptedPredictor) -> None:
    def fail_on_black(images: NDArray[np.uint8]) -> None:
        if any(image.max() < 16 for image in images):
            raise RuntimeError("black")

    device.on_batch = fail_on_black
    images = [make_item(make_jpeg(colour), make_job(colour)) for colour in ("brown", "black", "tan", "beige")]
    run(pipeline, images)
    outcomes = {item.job.id: item.outcome for item in images}
    assert outcomes.pop("black") == Failure(reason=FailureReason.PREDICT_FAILED, detail="RuntimeError")
    assert all(isinstance(outcome, Prediction) for outcome in outcomes.values())


def test_item_past_its_deadline_fails_without_predict(pipeline: Pipeline, device: ScriptedPredictor) -> None:
    late = make_item(make_jpeg(), make_job(remaining_s=-1))
    run(pipeline, [late])
    assert late.outcome == Failure(reason=FailureReason.DEADLINE)
    assert device.batches == []


def test_suspect_item_is_decoded_in_the_child_like_any_other(pipeline: Pipeline) -> None:
    suspect, damaged = (
        make_item(make_jpeg(), make_job(suspect=True)),
        make_item(make_jpeg()[:400], make_job(suspect=True)),
    )
    run(pipeline, [suspect, damaged])
    assert isinstance(suspect.outcome, Prediction)
    assert isinstance(damaged.outcome, Refusal)


def test_release_finishes_the_batch_in_flight_and_releases_the_rest(
    pipeline: Pipeline, device: ScriptedPredictor
) -> None:
    entered, resume = threading.Event(), threading.Event()

    def block(_: object) -> None:
        entered.set()
        resume.wait(5)

    device.on_batch = block
    in_flight = make_item(make_jpeg(), make_job("in flight", queue=Queue.INTERACTIVE))
    pipeline.put(in_flight)
    assert entered.wait(5)
    waiting = [make_item(make_jpeg(), make_job(f"p{number}")) for number in range(20)]
    for item in waiting:
        pipeline.put(item)
    pipeline.release()
    for item in waiting:
        item.latch.wait()
    assert {item.outcome for item in waiting} == {Released.RELEASED}
    resume.set()
    in_flight.latch.wait()
    assert isinstance(in_flight.outcome, Prediction)
    late = make_item(make_jpeg())
    run(pipeline, [late])
    assert late.outcome is Released.RELEASED
