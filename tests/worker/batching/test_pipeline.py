"""The pipeline finishes every item, lets a bad image fail alone and survives a batch that raises."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from runtimes.base import PredictionBatch
from shared.config.settings import Settings
from shared.contract.decision import Failure, FailureReason, Refusal, RefusalReason
from shared.contract.names import Queue
from shared.model.artefact import Manifest
from tests.worker.items import make_distinct_jpegs, make_item, make_job, make_jpeg, wait_until_decoded
from tests.worker.scripted_predictor import ScriptedPredictor, contents_of
from worker.batching.pipeline import Pipeline
from worker.batching.prediction_check import DeviceFault
from worker.batching.work_item import FinishedItems, Prediction, Released, WorkItem


@pytest.fixture
def faults() -> list[DeviceFault]:
    """What the pipeline said of its device."""
    return []


@pytest.fixture
def pipeline(predictor: ScriptedPredictor, manifest: Manifest, faults: list[DeviceFault]) -> Iterator[Pipeline]:
    settings = Settings(max_batch_size=8, decode_slots=2, decode_timeout_s=5)
    pipeline = Pipeline(predictor, manifest, settings, faults.append)
    pipeline.start()
    predictor.batches.clear()
    yield pipeline
    pipeline.release()
    pipeline.join()


def run(pipeline: Pipeline, images: list[WorkItem]) -> None:
    for item in images:
        pipeline.put(item)
    for item in images:
        item.message.take()


def test_every_item_of_a_message_gets_its_outcome(pipeline: Pipeline) -> None:
    together = FinishedItems(3)
    message = [
        make_item(make_jpeg(), message=together),
        make_item(b"not an image", message=together),
        make_item(b"", message=together),
    ]
    run(pipeline, message)
    assert isinstance(message[0].outcome, Prediction)
    assert message[1].outcome == Refusal(reason=RefusalReason.NOT_A_PICTURE)
    assert message[2].outcome == Refusal(reason=RefusalReason.EMPTY)


def put_behind_the_first(pipeline: Pipeline, predictor: ScriptedPredictor, items: Sequence[WorkItem]) -> None:
    """Let the device be busy with the first item until all others are decoded."""
    with predictor.blocked() as entered:
        pipeline.put(items[0])
        assert entered.wait(10)
        for item in items[1:]:
            pipeline.put(item)
        wait_until_decoded(items[1:])


def test_every_item_gets_the_answer_to_its_own_image(pipeline: Pipeline, predictor: ScriptedPredictor) -> None:
    images = make_distinct_jpegs(30)
    items = [
        make_item(data, make_job(str(number), queue=Queue.INTERACTIVE if number % 3 == 0 else Queue.BULK))
        for number, data in enumerate(images)
    ]
    put_behind_the_first(pipeline, predictor, items)
    for item in items:
        item.message.take()
    assert max(predictor.batch_sizes) > 1
    for item, data in zip(items, images, strict=True):
        assert contents_of(item.outcome) == predictor.answers_of(data), item.job.id


def test_idle_device_starts_at_once_and_busy_device_gathers_a_batch(
    pipeline: Pipeline, predictor: ScriptedPredictor
) -> None:
    first = make_item(make_jpeg())
    others = [make_item(make_jpeg(), make_job(f"p{number}")) for number in range(8)]
    with predictor.blocked() as entered:
        pipeline.put(first)
        assert entered.wait(5), "one image is enough for an idle device"
        for other in others:
            pipeline.put(other)
        wait_until_decoded(others)
    for other in others:
        other.message.take()
    assert predictor.batch_sizes[0] == 1
    assert len(predictor.batches) < 1 + len(others)


def test_batch_that_raises_is_predicted_item_by_item(pipeline: Pipeline, predictor: ScriptedPredictor) -> None:
    def fail_on_black(images: NDArray[np.uint8]) -> None:
        if any(image.max() < 16 for image in images):
            raise RuntimeError("black")

    predictor.on_batch = fail_on_black
    images = [make_item(make_jpeg(colour), make_job(colour)) for colour in ("brown", "black", "tan", "beige")]
    run(pipeline, images)
    outcomes = {item.job.id: item.outcome for item in images}
    assert outcomes.pop("black") == Failure(reason=FailureReason.PREDICT_FAILED, detail="RuntimeError")
    for colour, outcome in outcomes.items():
        assert contents_of(outcome) == predictor.answers_of(make_jpeg(colour))


def test_item_past_its_deadline_fails_without_predict(pipeline: Pipeline, predictor: ScriptedPredictor) -> None:
    late = make_item(make_jpeg(), make_job(remaining_s=-1))
    run(pipeline, [late])
    assert late.outcome == Failure(reason=FailureReason.DEADLINE)
    assert predictor.batches == []


def test_suspect_item_is_decoded_in_the_child_like_any_other(pipeline: Pipeline) -> None:
    suspect, damaged = (
        make_item(make_jpeg(), make_job(suspect=True)),
        make_item(make_jpeg()[:400], make_job(suspect=True)),
    )
    run(pipeline, [suspect, damaged])
    assert isinstance(suspect.outcome, Prediction)
    assert isinstance(damaged.outcome, Refusal)


def test_release_finishes_the_batch_in_flight_and_releases_the_rest(
    pipeline: Pipeline, predictor: ScriptedPredictor
) -> None:
    in_flight = make_item(make_jpeg(), make_job("in flight", queue=Queue.INTERACTIVE))
    waiting = [make_item(make_jpeg(), make_job(f"p{number}")) for number in range(20)]
    with predictor.blocked() as entered:
        pipeline.put(in_flight)
        assert entered.wait(5)
        for item in waiting:
            pipeline.put(item)
        pipeline.release()
        for item in waiting:
            item.message.take()
        assert {item.outcome for item in waiting} == {Released.RELEASED}
    in_flight.message.take()
    assert isinstance(in_flight.outcome, Prediction)
    late = make_item(make_jpeg())
    run(pipeline, [late])
    assert late.outcome is Released.RELEASED


def test_device_predicts_waiting_interactive_images_before_bulk_and_does_not_mix_them(
    pipeline: Pipeline, predictor: ScriptedPredictor
) -> None:
    images = make_distinct_jpegs(9)
    items = [
        make_item(data, make_job(str(number), queue=Queue.INTERACTIVE if number in (4, 7) else Queue.BULK))
        for number, data in enumerate(images)
    ]
    put_behind_the_first(pipeline, predictor, items)
    for item in items:
        item.message.take()
    by_pixels = {predictor.answer(pixels[None]).evidence.tobytes(): 0 for pixels in predictor.batches[0]}
    for number, data in enumerate(images):
        by_pixels[np.array(predictor.answers_of(data)["evidence"], np.float32).tobytes()] = number
    batches = [[by_pixels[predictor.answer(p[None]).evidence.tobytes()] for p in batch] for batch in predictor.batches]
    order = [number for batch in batches for number in batch]
    assert set(order[:3]) == {0, 4, 7}
    assert order[0] == 0
    assert not any({4, 7} & set(batch) and {1, 2, 3, 5, 6, 8} & set(batch) for batch in batches)


def test_batch_with_too_few_rows_is_predicted_item_by_item(pipeline: Pipeline, predictor: ScriptedPredictor) -> None:
    def lose_a_row(images: NDArray[np.uint8], answer: PredictionBatch) -> PredictionBatch:
        return replace(answer, distance=answer.distance[1:]) if len(images) > 1 else answer

    predictor.change_answer = lose_a_row
    images = make_distinct_jpegs(6)
    items = [make_item(data, make_job(str(number))) for number, data in enumerate(images)]
    put_behind_the_first(pipeline, predictor, items)
    for item, data in zip(items, images, strict=True):
        item.message.take()
        assert contents_of(item.outcome) == predictor.answers_of(data)


def raise_lost(_: object, __: PredictionBatch) -> PredictionBatch:
    raise RuntimeError("device lost\nwith details")


def give_nan(_: object, answer: PredictionBatch) -> PredictionBatch:
    return replace(answer, probabilities=np.full_like(answer.probabilities, np.nan))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [(give_nan, "its output is not finite or out of range"), (raise_lost, "(RuntimeError: device lost)")],
    ids=["NaN", "raises"],
)
def test_device_that_answers_no_image_any_more_fails_none(
    pipeline: Pipeline,
    predictor: ScriptedPredictor,
    faults: list[DeviceFault],
    answer: Callable[[object, PredictionBatch], PredictionBatch],
    problem: str,
) -> None:
    items = [make_item(data, make_job(str(number))) for number, data in enumerate(make_distinct_jpegs(5))]
    predictor.change_answer = answer
    put_behind_the_first(pipeline, predictor, items)
    for item in items:
        item.message.take()
    assert {item.outcome for item in items} == {Released.RELEASED}
    assert problem in str(faults[0])
    assert "CPU:0 (scripted)" in str(faults[0])


def test_device_is_not_blamed_for_images_that_fail_by_themselves(
    pipeline: Pipeline, predictor: ScriptedPredictor, faults: list[DeviceFault]
) -> None:
    def fail_on_black(images: NDArray[np.uint8]) -> None:
        if any(image.max() < 16 for image in images):
            raise RuntimeError("black")

    predictor.on_batch = fail_on_black
    for _ in range(5):
        item = make_item(make_jpeg("black"))
        run(pipeline, [item])
        assert item.outcome == Failure(reason=FailureReason.PREDICT_FAILED, detail="RuntimeError")
    assert faults == []


@pytest.mark.parametrize("broken", ["observe", "choose_size"])
def test_predict_thread_finishes_each_image_and_goes_on_whatever_is_raised(
    pipeline: Pipeline, predictor: ScriptedPredictor, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **_options: object) -> None:
        raise RuntimeError("bug")

    first, second = make_item(make_jpeg("tan")), make_item(make_jpeg("brown"))
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.predict_stage.cost_model, broken, fail)
        run(pipeline, [first])
    run(pipeline, [second])
    if broken == "observe":
        assert first.outcome == Failure(reason=FailureReason.PREDICT_FAILED, detail="RuntimeError")
    else:
        assert contents_of(first.outcome) == predictor.answers_of(make_jpeg("tan"))
    assert contents_of(second.outcome) == predictor.answers_of(make_jpeg("brown"))


def test_release_in_the_middle_leaves_no_item_without_an_outcome(
    pipeline: Pipeline, predictor: ScriptedPredictor
) -> None:
    """Items wait for decode and for predict, are decoded, are in the batch, and come too late."""
    images = make_distinct_jpegs(40)
    items = [make_item(data, make_job(str(number))) for number, data in enumerate(images)]
    with predictor.blocked() as entered:
        for item in items[:35]:
            pipeline.put(item)
        assert entered.wait(10)
        pipeline.release()
        for item in items[35:]:
            pipeline.put(item)
    pipeline.join()
    for item, data in zip(items, images, strict=True):
        item.message.take()
        if item.outcome is not Released.RELEASED:
            assert contents_of(item.outcome) == predictor.answers_of(data)
    predicted = sum(predictor.batch_sizes)
    assert [item.outcome for item in items].count(Released.RELEASED) == 40 - predicted
    assert predicted >= 1


def test_no_batch_is_larger_than_the_runtime_can_use(
    predictor: ScriptedPredictor, manifest: Manifest, faults: list[DeviceFault]
) -> None:
    predictor.max_useful_batch = 4  # type: ignore[attr-defined]
    pipeline = Pipeline(predictor, manifest, Settings(max_batch_size=32, decode_slots=1), faults.append)
    pipeline.start()
    pipeline.release()
    assert max(predictor.batch_sizes) <= 4
    assert pipeline.predict_stage.cost_model.choose_size(1000) <= 4
