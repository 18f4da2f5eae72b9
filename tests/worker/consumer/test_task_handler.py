"""A message becomes decisions. Whatever goes wrong, no job stays claimed, and only an image's own faults count."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import REGISTRY

from benchmarks.harness.redis_faults import demoted, without_replicas
from runtimes.base import PredictionBatch
from shared.contract.decision import Failure, FailureReason, Refusal, RefusalReason, Verdict
from shared.contract.names import CONTRACT_VERSION, Queue, Stage
from shared.ids import new_token
from shared.images.decode import decode
from shared.ledger import admin, transitions
from shared.ledger.records import TaskMessage
from shared.model.artefact import Manifest
from tests.shared.ledger.steps import expire_lease
from tests.worker.handler_harness import INCARNATION, OUTBOX, HandlerHarness
from tests.worker.items import make_distinct_jpegs, make_jpeg
from tests.worker.polling import eventually
from worker.batching import in_process_decoder
from worker.batching.pipeline import Pipeline


def name_images(count: int, prefix: str = "job") -> dict[str, bytes]:
    """Images without blue, which the predictor takes for lesions."""
    return {f"{prefix}{number}": data for number, data in enumerate(make_distinct_jpegs(count))}


def spoil_black(
    change: Callable[[PredictionBatch, int], None],
) -> Callable[[NDArray[np.uint8], PredictionBatch], PredictionBatch]:
    """Return a hook that changes the row of the black image, in any batch."""

    def hook(images: NDArray[np.uint8], answer: PredictionBatch) -> PredictionBatch:
        changed = replace(answer, probabilities=answer.probabilities.copy(), distance=answer.distance.copy())
        for row, image in enumerate(images):
            if image.max() < 16:
                change(changed, row)
        return changed

    return hook


@pytest.mark.parametrize("queue", list(Queue))
def test_each_job_gets_the_answer_to_its_own_image(harness: HandlerHarness, queue: Queue) -> None:
    images = name_images(12)
    ids = harness.submit(images, queue=queue)
    assert harness.classify(ids) == {"verdict": 12}
    for id_ in ids:
        expected = harness.predictor.answers_of(images[id_])
        verdict = harness.verdict(id_)
        assert list(verdict.probabilities.values()) == pytest.approx(expected["probabilities"]), id_
        assert verdict.distance == pytest.approx(expected["distance"])
        assert verdict.artefact == "lite0@first"
    assert harness.client.zcard("melanoma:claimed") == 0


def test_bad_image_is_refused_alone(harness: HandlerHarness) -> None:
    ids = harness.submit({"good": make_jpeg("brown"), "text": b"text", "blue": make_jpeg("blue")})
    assert harness.classify(ids) == {"verdict": 1, "refusal": 2}
    assert harness.decision("text") == Refusal(reason=RefusalReason.NOT_A_PICTURE)
    blue = harness.decision("blue")
    assert isinstance(blue, Refusal)
    assert blue.reason is RefusalReason.NOT_A_LESION


def test_duplicate_message_changes_nothing(harness: HandlerHarness) -> None:
    ids = harness.submit(name_images(2))
    assert harness.classify(ids) == {"verdict": 2}
    first = [harness.decision(id_) for id_ in ids]
    assert harness.classify(ids) == {"skipped": 2}
    assert [harness.decision(id_) for id_ in ids] == first
    assert len(harness.predictor.batches) <= 2


def test_lost_reply_to_a_claim_is_repeated_for_the_same_message(harness: HandlerHarness) -> None:
    ids = harness.submit(name_images(1))
    message = TaskMessage(new_token(), Queue.BULK, ids)
    harness.ledger.run(transitions.claim([message], incarnation=INCARNATION))
    assert harness.handler.classify(message) == {"verdict": 1}


def test_image_that_is_missing_is_requested_again(harness: HandlerHarness) -> None:
    ids = harness.submit(name_images(2))
    harness.store.delete(ids[:1])
    assert harness.classify(ids) == {"missing": 1, "verdict": 1}
    assert harness.stage(ids[0]) is Stage.RECEIVED


def test_job_of_another_contract_fails_without_predict(harness: HandlerHarness) -> None:
    ids = harness.submit(name_images(1))
    harness.client.hset(f"melanoma:job:{ids[0]}", "contract", CONTRACT_VERSION + 1)
    assert harness.classify(ids) == {"failure": 1}
    assert harness.decision(ids[0]) == Failure(reason=FailureReason.UNKNOWN_CONTRACT)
    assert harness.predictor.batches == []


def test_pipeline_that_raises_ends_in_too_many_attempts(
    harness: HandlerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[str] = []

    def fail(_self: Pipeline, item: Any) -> None:
        attempts.append(item.job.id)
        raise RuntimeError("a defect")

    monkeypatch.setattr(Pipeline, "put", fail)
    (id_,) = harness.submit(name_images(1))
    for attempt in range(1, harness.config.max_attempts + 1):
        with pytest.raises(RuntimeError, match="a defect"):
            harness.classify([id_])
        history = harness.history(id_)
        assert (history.stage, history.attempts, history.suspect) == (Stage.READY, attempt, True)
        assert harness.published_ids() == [[id_]] * attempt, "another worker is woken"
    assert harness.classify([id_]) == {"failure": 1}
    assert harness.decision(id_) == Failure(reason=FailureReason.TOO_MANY_ATTEMPTS)
    assert attempts == [id_] * harness.config.max_attempts, "exactly the allowed number"


def test_last_allowed_attempt_may_succeed(harness: HandlerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    (id_,) = harness.submit(name_images(1))
    with monkeypatch.context() as broken:
        broken.setattr(Pipeline, "put", lambda *_: 1 / 0)
        for _ in range(harness.config.max_attempts - 1):
            with pytest.raises(ZeroDivisionError):
                harness.classify([id_])
    assert harness.classify([id_]) == {"verdict": 1}


def test_predictor_that_raises_for_one_image_fails_that_image_alone(harness: HandlerHarness) -> None:
    def fail_on_black(images: NDArray[np.uint8]) -> None:
        if any(image.max() < 16 for image in images):
            raise RuntimeError("black")

    harness.predictor.on_batch = fail_on_black
    ids = harness.submit({"black": make_jpeg("black"), **name_images(7)})
    assert harness.classify(ids) == {"verdict": 7, "failure": 1}
    assert harness.decision("black") == Failure(reason=FailureReason.PREDICT_FAILED, detail="RuntimeError")


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("output", ["probabilities", "distance"])
def test_output_that_is_no_answer_fails_its_image_alone(harness: HandlerHarness, output: str, value: float) -> None:
    def spoil(answer: PredictionBatch, row: int) -> None:
        getattr(answer, output)[row] = value

    harness.predictor.change_answer = spoil_black(spoil)
    ids = harness.submit({"black": make_jpeg("black"), **name_images(7)})
    assert harness.classify(ids) == {"verdict": 7, "failure": 1}
    failure = harness.decision("black")
    assert isinstance(failure, Failure)
    assert failure.reason is FailureReason.PREDICT_FAILED
    assert harness.history("black").attempts == 1, "the first answer is the last"


def test_image_that_cannot_be_judged_fails_alone(harness: HandlerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    postprocessor = harness.manager.current.postprocessor
    judge = postprocessor.decide

    def fail_for_black(prediction: Any, **options: Any) -> Verdict | Refusal:
        if prediction.distance == harness.predictor.answers_of(make_jpeg("black"))["distance"]:
            raise KeyError("no such population")
        return judge(prediction, **options)

    monkeypatch.setattr(postprocessor, "decide", fail_for_black)
    ids = harness.submit({"black": make_jpeg("black"), **name_images(7)})
    assert harness.classify(ids) == {"verdict": 7, "failure": 1}
    assert harness.decision("black") == Failure(reason=FailureReason.PREDICT_FAILED, detail="KeyError")


def test_messages_pass_the_admission_one_after_the_other(harness: HandlerHarness) -> None:
    """Each is as large as the limit on bulk images in memory."""
    fetched: list[int] = []
    get = harness.store.get
    harness.store.get = lambda ids: fetched.append(len(ids)) or get(ids)  # type: ignore[method-assign, func-returns-value]
    harness.handler._fetches._run = harness.store.get
    images = name_images(12)
    ids = harness.submit(images)
    with harness.predictor.blocked() as entered:
        messages = [harness.start(ids[start : start + 4]) for start in (0, 4, 8)]
        assert entered.wait(10)
        time.sleep(0.05)
        assert fetched == [4], "the others wait before their images are in memory"
    for message in messages:
        assert message.result() == {"verdict": 4}
    assert fetched == [4, 4, 4]


def test_only_jobs_that_the_worker_has_begun_with_are_suspect_if_it_dies(harness: HandlerHarness) -> None:
    """The others wait for their admission, with no byte in memory."""
    bulk = harness.submit(name_images(12))
    interactive = harness.submit(name_images(2, "interactive"), queue=Queue.INTERACTIVE)
    with harness.predictor.blocked() as entered:
        messages = [harness.start(bulk[:4])]
        assert entered.wait(10)
        messages += [harness.start(bulk[4:8]), harness.start(bulk[8:]), harness.start(interactive)]
        for id_ in [*bulk, *interactive]:
            eventually(lambda id_=id_: harness.stage(id_) is Stage.CLAIMED)  # type: ignore[misc]
        expire_lease(harness.ledger, INCARNATION)
        harness.ledger.run(transitions.recovery_sweep(lease_s=5, grace_s=60, limit=100))
        suspects = {id_ for id_ in [*bulk, *interactive] if harness.history(id_).suspect}
        assert suspects == {*bulk[:4], *interactive}
    for message in messages:
        message.result()


def test_interactive_message_does_not_wait_for_admission(harness: HandlerHarness) -> None:
    bulk = harness.submit(name_images(4))
    interactive = harness.submit(name_images(2, "interactive"), queue=Queue.INTERACTIVE)
    assert harness.handler._bulk_semaphore.acquire(4)
    waiting = harness.start(bulk)
    assert harness.classify(interactive) == {"verdict": 2}
    assert waiting.is_running()
    harness.handler._bulk_semaphore.release(4)
    assert waiting.result() == {"verdict": 4}


def test_message_that_waits_for_admission_is_released_on_drain(harness: HandlerHarness) -> None:
    first, second = harness.submit(name_images(4)), harness.submit(name_images(4, "other"))
    with harness.predictor.blocked() as entered:
        in_flight = harness.start(first)
        assert entered.wait(10)
        waiting = harness.start(second)
        eventually(lambda: harness.stage(second[-1]) is Stage.CLAIMED)
        harness.handler.drain()
        assert waiting.result() == {"released": 4}, "although the batch in flight is not finished"
        assert {harness.stage(id_) for id_ in second} == {Stage.READY}
        assert {harness.history(id_).attempts for id_ in second} == {0}
        assert not any(harness.history(id_).suspect for id_ in second)
    counts = in_flight.result()
    assert counts["verdict"] >= 1, "the batch in flight is finished"
    assert counts["verdict"] + counts.get("released", 0) == 4
    assert harness.client.zcard("melanoma:claimed") == 0


def test_draining_worker_claims_nothing(harness: HandlerHarness) -> None:
    ids = harness.submit(name_images(2))
    harness.handler.drain()
    assert harness.handler.is_draining
    assert harness.classify(ids) == {"skipped": 2}
    assert {harness.stage(id_) for id_ in ids} == {Stage.READY}
    assert harness.published_ids() == [], "otherwise the message would go round in circles"


def test_verdict_names_the_artefact_that_predicted(harness: HandlerHarness) -> None:
    """The artefact is changed while a message is under way."""
    first, second = harness.submit(name_images(3)), harness.submit(name_images(1, "next"))
    new = harness.make_artefact("second")
    with harness.predictor.blocked() as entered:
        under_way = harness.start(first)
        assert entered.wait(10)
        harness.manager.switch_to(new)
        assert harness.classify(second) == {"verdict": 1}
    assert under_way.result() == {"verdict": 3}
    assert {harness.verdict(id_).artefact for id_ in first} == {"lite0@first"}
    assert harness.verdict(second[0]).artefact == "lite0@second"


def hold_up_decode(monkeypatch: pytest.MonkeyPatch, held: bytes) -> threading.Event:
    """Let the decode of these bytes wait until the returned event is set."""
    release = threading.Event()

    def wait_for_release(data: bytes, *arguments: Any, **options: Any) -> Any:
        if data == held:
            release.wait(30)
        return decode(data, *arguments, **options)

    monkeypatch.setattr(in_process_decoder, "decode", wait_for_release)
    return release


def test_hanging_decode_gives_its_message_up_to_the_other_images(
    harness: HandlerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = hold_up_decode(monkeypatch, b"hang")
    ids = harness.submit({"hang": b"hang", **name_images(3)})
    message = harness.start(ids)
    stage = harness.manager.current.pipeline.decode_stage
    try:
        eventually(lambda: [item.job.id for item in stage.get_hanging_items(0.5)] == ["hang"])
        harness.handler.release_hanging(stage.get_hanging_items(0.5))
        assert message.result() == {"verdict": 3, "released": 1}
        history = harness.history("hang")
        assert (history.stage, history.suspect, history.attempts) == (Stage.READY, True, 1)
    finally:
        release.set()


def test_refused_verdict_is_written_once_the_ledger_takes_it(harness: HandlerHarness) -> None:
    """Any refusal that is no outage: here a key of another type."""
    ids = harness.submit(name_images(3))
    claimed = "melanoma:claimed"

    def break_ledger(_: object) -> None:
        if not harness.client.exists("kept"):
            harness.client.rename(claimed, "kept")
            harness.client.set(claimed, "not a sorted set")

    harness.predictor.on_batch = break_ledger
    message = harness.start(ids)
    eventually(lambda: harness.backoff._pause_s > 0)
    assert message.is_running()
    assert {harness.stage(id_) for id_ in ids} == {Stage.CLAIMED}
    batches = len(harness.predictor.batches)
    harness.client.rename("kept", claimed)
    assert message.result() == {"verdict": 3}
    assert len(harness.predictor.batches) == batches, "the verdicts were kept, not made again"
    assert {harness.history(id_).attempts for id_ in ids} == {1}


def test_refused_release_is_written_once_the_ledger_takes_it(harness: HandlerHarness) -> None:
    ids = harness.submit(name_images(1))
    with harness.predictor.blocked() as entered:
        in_flight = harness.start(ids)
        assert entered.wait(10)
        others = harness.submit(name_images(4, "other"))
        waiting = harness.start(others)
        eventually(lambda: harness.stage(others[-1]) is Stage.CLAIMED)
        harness.client.rename("melanoma:claimed", "kept")
        harness.client.set("melanoma:claimed", "not a sorted set")
        harness.handler.drain()
        eventually(lambda: harness.backoff._pause_s > 0)
        harness.client.rename("kept", "melanoma:claimed")
        assert waiting.result() == {"released": 4}
    assert in_flight.result() == {"verdict": 1}
    assert harness.client.zcard("melanoma:claimed") == 0


def test_refused_decision_of_one_message_does_not_hold_another_up(harness: HandlerHarness) -> None:
    """Decisions of messages that end together share a call. The hash of one job is damaged."""
    ids = harness.submit({"broken": make_jpeg("brown"), **name_images(3)})
    verdicts = REGISTRY.get_sample_value("melanoma_decisions_total", {"kind": "verdict"}) or 0

    def break_job(_: object) -> None:
        harness.client.set("melanoma:job:broken", "no hash")

    harness.predictor.on_batch = break_job
    message = harness.start(ids)
    eventually(lambda: all(harness.stage(id_) is Stage.DECIDED for id_ in ids[1:]))
    assert message.is_running(), "the decision on the damaged job is still owed"
    harness.client.delete("melanoma:job:broken")
    assert message.result() == {"verdict": 4}
    counted = REGISTRY.get_sample_value("melanoma_decisions_total", {"kind": "verdict"}) or 0
    assert counted - verdicts <= 3, "none is counted twice"


def test_refused_claim_leaves_no_job_claimed(harness: HandlerHarness) -> None:
    """The claim script fails in the middle: at the second job."""
    ids = harness.submit(name_images(3))
    harness.client.rename(f"melanoma:job:{ids[1]}", "kept")
    harness.client.set(f"melanoma:job:{ids[1]}", "no hash")
    message = harness.start(ids)
    eventually(lambda: harness.backoff._pause_s > 0)
    harness.client.rename("kept", f"melanoma:job:{ids[1]}")
    assert message.result() == {"skipped": 3}
    assert {harness.stage(id_) for id_ in ids} == {Stage.READY}
    assert {harness.history(id_).attempts for id_ in ids} == {0}
    assert harness.classify(ids) == {"verdict": 3}


def test_unreadable_reply_to_a_claim_fails_its_own_message_alone(harness: HandlerHarness) -> None:
    """Two messages share a call, and one names a job with a field that cannot be read."""
    good, bad = harness.submit(name_images(1)), harness.submit(name_images(1, "bad"))
    harness.client.hset("melanoma:job:bad0", "contract", "none")
    claims = harness.handler._claims
    with claims._run_lock:
        messages = [harness.start(good), harness.start(bad)]
        eventually(lambda: len(claims._pending) == 2)
    assert messages[0].result() == {"verdict": 1}
    with pytest.raises(ValueError, match="none"):
        messages[1].result()
    assert harness.client.hget("melanoma:job:bad0", "stage") == b"ready"


def test_stop_while_verdicts_are_refused_leaves_the_jobs_to_the_sweep(harness: HandlerHarness) -> None:
    ids = harness.submit(name_images(2))
    harness.predictor.on_batch = lambda _: harness.client.set("melanoma:claimed", "not a sorted set")
    message = harness.start(ids)
    eventually(lambda: harness.backoff._pause_s > 0)
    harness.stop_waiting.set()
    assert message.result() == {"released": 2}


def test_store_that_refuses_reads_costs_no_attempt(harness: HandlerHarness) -> None:
    ids = harness.submit(name_images(3))
    with harness.store_refusing_reads():
        for rounds in range(1, 6):
            assert harness.classify(ids) == {"released": 3}
            assert len(harness.published_ids()) >= min(rounds * len(ids), 8), "each is published again"
            assert harness.backoff._pause_s > 0, "the next message waits"
        for id_ in ids:
            history = harness.history(id_)
            assert (history.stage, history.attempts, history.suspect) == (Stage.READY, 0, False)
        assert harness.denied == [], "the operator may be about to change it"
    assert harness.classify(ids) == {"verdict": 3}
    assert harness.backoff._pause_s == 0


@pytest.mark.parametrize("refusal", [without_replicas, demoted])
def test_finished_verdict_survives_a_spell_of_refusals(
    harness: HandlerHarness, refusal: Callable[[str], AbstractContextManager[None]]
) -> None:
    ids = harness.submit(name_images(3))
    with ExitStack() as spell:
        harness.predictor.on_batch = lambda _: spell.enter_context(refusal(harness.config.ledger_url))
        message = harness.start(ids)
        eventually(lambda: sum(harness.predictor.batch_sizes) == len(ids))
        time.sleep(0.1)
        assert message.is_running()
    assert message.result() == {"verdict": 3}
    assert {harness.history(id_).attempts for id_ in ids} == {1}


def test_job_past_its_deadline_fails_without_predict(harness: HandlerHarness) -> None:
    ids = harness.submit(name_images(1), deadline_s=0)
    assert harness.classify(ids) == {"failure": 1}
    assert harness.decision(ids[0]) == Failure(reason=FailureReason.DEADLINE)
    assert harness.predictor.batches == []


def test_paused_queue_is_not_claimed(harness: HandlerHarness) -> None:
    ids = harness.submit(name_images(1))
    harness.ledger.run(admin.pause(Queue.BULK))
    assert harness.classify(ids) == {"skipped": 1}
    harness.ledger.run(admin.resume(Queue.BULK))
    assert harness.classify(ids) == {"verdict": 1}
    assert len(harness.ledger.run(transitions.peek(Stage.DECIDED, outbox=OUTBOX, limit=10))) == 1


@pytest.fixture
def greedy(tmp_path: Path, redis_url: str, manifest: Manifest) -> Iterator[HandlerHarness]:
    """A handler that claims more than a message names."""
    with HandlerHarness(tmp_path, redis_url, manifest, jobs_per_message=8) as harness:
        yield harness


def test_message_decides_other_jobs_of_its_queue(greedy: HandlerHarness) -> None:
    ids = greedy.submit(name_images(6))
    chat = greedy.submit(name_images(1, "chat"), queue=Queue.INTERACTIVE)
    assert greedy.classify(ids[3:4]) == {"verdict": 6}
    assert greedy.stage(chat[0]) is Stage.READY
    assert greedy.classify(ids[:1]) == {"skipped": 1}


def test_message_whose_job_was_taken_decides_another(greedy: HandlerHarness) -> None:
    (first,) = greedy.submit(name_images(1))
    assert greedy.classify([first]) == {"verdict": 1}
    greedy.submit(name_images(1, "later"))
    assert greedy.classify([first]) == {"verdict": 1, "skipped": 1}


def test_whatever_a_message_has_claimed_is_released_when_it_fails(
    greedy: HandlerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = greedy.submit(name_images(3))
    monkeypatch.setattr(Pipeline, "put", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        greedy.classify(ids[:1])
    assert {greedy.stage(id_) for id_ in ids} == {Stage.READY}
    assert {greedy.history(id_).attempts for id_ in ids} == {1}


def test_finished_images_do_not_wait_for_one_that_takes_long(
    harness: HandlerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = hold_up_decode(monkeypatch, b"slow")
    ids = harness.submit({"slow": b"slow", **name_images(3)})
    message = harness.start(ids)
    try:
        eventually(lambda: all(harness.stage(id_) is Stage.DECIDED for id_ in ids[1:]))
        assert message.is_running()
    finally:
        release.set()
    assert message.result() == {"verdict": 3, "refusal": 1}
