"""A suspect picture is decoded out of process: only its own child can die of it."""

import os
import signal

import pytest

from shared.contract.decision import Failure, FailureReason, RefusalReason
from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec
from shared.images.refusal import ImageRejected
from tests.worker.items import make_jpeg
from worker.batching.isolated_decoder import IsolatedDecoder

SPEC = PreprocessingSpec(size=64, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)


def test_the_child_decodes_and_refuses_like_the_worker_itself() -> None:
    child = IsolatedDecoder(timeout_s=10, max_memory_bytes=2**30)
    try:
        decoded = child.decode(make_jpeg(), SPEC)
        assert not isinstance(decoded, Failure)
        assert decoded.pixels.shape == (64, 64, 3)
        with pytest.raises(ImageRejected) as refused:
            child.decode(b"text", SPEC)
        assert refused.value.reason is RefusalReason.NOT_A_PICTURE
    finally:
        child.stop()


def test_after_a_death_the_next_picture_gets_a_new_child() -> None:
    child = IsolatedDecoder(timeout_s=10, max_memory_bytes=2**30)
    try:
        child.decode(make_jpeg(), SPEC)
        process = child._process
        assert process is not None
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert not isinstance(child.decode(make_jpeg(), SPEC), Failure)
    finally:
        child.stop()


def test_a_child_that_says_nothing_is_the_pictures_failure() -> None:
    child = IsolatedDecoder(timeout_s=0.3, max_memory_bytes=2**30)
    try:
        child.decode(make_jpeg(), SPEC)
        process = child._process
        assert process is not None
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        assert child.decode(make_jpeg(), SPEC) == Failure(reason=FailureReason.DECODE_HUNG)
        assert not isinstance(child.decode(make_jpeg(), SPEC), Failure)
    finally:
        child.stop()
