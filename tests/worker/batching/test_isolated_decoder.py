"""A suspect image is decoded in a child process: only the child can die of it."""

import os
import signal
from multiprocessing.process import BaseProcess

import pytest

from shared.contract.decision import Failure, FailureReason, RefusalReason
from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec
from shared.images.refusal import ImageRejected
from tests.worker.items import make_jpeg
from worker.batching.isolated_decoder import IsolatedDecoder

SPEC = PreprocessingSpec(size=64, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)


def test_child_decodes_and_refuses_like_the_worker() -> None:
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


def freeze(child: IsolatedDecoder) -> BaseProcess:
    """Start the child's process and stop it with SIGSTOP. Returns the process."""
    child.decode(make_jpeg(), SPEC)
    process = child._process
    assert process is not None
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    return process


def test_next_image_gets_a_new_child_after_a_death() -> None:
    child = IsolatedDecoder(timeout_s=10, max_memory_bytes=2**30)
    try:
        process = freeze(child)
        process.kill()
        process.join()
        assert not isinstance(child.decode(make_jpeg(), SPEC), Failure)
    finally:
        child.stop()


def test_silent_child_is_a_failure_of_its_image() -> None:
    child = IsolatedDecoder(timeout_s=0.3, max_memory_bytes=2**30)
    try:
        freeze(child)
        assert child.decode(make_jpeg(), SPEC) == Failure(reason=FailureReason.DECODE_HUNG)
        assert not isinstance(child.decode(make_jpeg(), SPEC), Failure)
    finally:
        child.stop()
