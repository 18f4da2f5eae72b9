"""Only the child process can die of an image, and only what an image causes is held against it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from shared.contract.decision import Failure, FailureReason, RefusalReason
from shared.images.decode import decode
from shared.images.limits import DECODE_LIMITS, DecodeLimits
from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec
from shared.images.refusal import ImageRejected
from tests.shared.images.files import encode, encode_heic, photograph
from tests.worker.batching.decoder_traps import make_trapped_jpeg, set_traps
from tests.worker.items import make_jpeg
from worker.batching.isolated_decoder import DecoderClosed, DecoderUnavailable, IsolatedDecoder
from worker.batching.weighted_semaphore import WeightedSemaphore

SPEC = PreprocessingSpec(size=64, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)


def make_decoder(*, timeout_s: float = 30, limits: DecodeLimits = DECODE_LIMITS) -> IsolatedDecoder:
    return IsolatedDecoder(SPEC, limits=limits, budget=WeightedSemaphore(limits.max_memory), timeout_s=timeout_s)


@pytest.fixture(scope="module", autouse=True)
def module_trap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        set_traps(tmp_path_factory.mktemp("traps"), patch)
        yield


@pytest.fixture(scope="module")
def decoder() -> Iterator[IsolatedDecoder]:
    """One for all tests that leave it open: the start of a child takes half a second of a core."""
    decoder = make_decoder()
    yield decoder
    decoder.close()


@pytest.fixture
def new_decoder() -> Iterator[IsolatedDecoder]:
    """One without a child so far, for tests of its start and its end."""
    decoder = make_decoder()
    yield decoder
    decoder.close()


def child_of(decoder: IsolatedDecoder) -> "subprocess.Popen[bytes]":
    assert decoder._child is not None
    return decoder._child


def in_thread(call: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Run `call` in a thread. The list gets its result or exception."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(call())
        except (DecoderClosed, DecoderUnavailable, ImageRejected) as error:
            results.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, results


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_child_decodes_and_refuses_like_the_worker(decoder: IsolatedDecoder) -> None:
    for data in (make_jpeg(), encode(photograph(), "PNG"), encode_heic(photograph()), encode(photograph(), "AVIF")):
        decoded, expected = decoder.decode(data), decode(data, SPEC)
        assert not isinstance(decoded, Failure)
        np.testing.assert_array_equal(decoded.pixels, expected.pixels)
        assert (decoded.width, decoded.height, decoded.advice) == (expected.width, expected.height, expected.advice)
    for data, reason in ((b"text", RefusalReason.NOT_A_PICTURE), (make_jpeg()[:400], RefusalReason.DAMAGED)):
        with pytest.raises(ImageRejected) as refused:
            decoder.decode(data)
        assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("SIGSEGV", FailureReason.DECODE_DIED),
        ("SIGABRT", FailureReason.DECODE_DIED),
        ("exit", FailureReason.DECODE_DIED),
        ("SIGKILL", FailureReason.DECODE_DIED),
    ],
)
def test_child_that_dies_of_an_image_fails_it_and_the_next_gets_a_new_child(
    decoder: IsolatedDecoder, name: str, reason: FailureReason
) -> None:
    assert decoder.decode(make_trapped_jpeg(name)) == Failure(reason=reason)
    assert not isinstance(decoder.decode(make_jpeg()), Failure)


@pytest.mark.parametrize("name", ["sleep", "half a reply"])
def test_child_that_does_not_end_is_killed(name: str) -> None:
    decoder = make_decoder(timeout_s=3)
    try:
        assert not isinstance(decoder.decode(make_jpeg()), Failure)
        child = child_of(decoder)
        assert decoder.decode(make_trapped_jpeg(name)) == Failure(reason=FailureReason.DECODE_HUNG)
        assert child.poll() is not None
        assert not isinstance(decoder.decode(make_jpeg()), Failure)
    finally:
        decoder.close()


def test_child_that_talks_nonsense_fails_its_image(decoder: IsolatedDecoder) -> None:
    assert decoder.decode(make_trapped_jpeg("nonsense")) == Failure(reason=FailureReason.DECODE_DIED)
    assert not isinstance(decoder.decode(make_jpeg()), Failure)


def test_image_whose_child_was_killed_from_outside_is_tried_again(decoder: IsolatedDecoder) -> None:
    assert not isinstance(decoder.decode(make_trapped_jpeg("SIGKILL once")), Failure)


def test_child_ignores_signals_to_its_group(decoder: IsolatedDecoder) -> None:
    """systemd, Ctrl-C and a terminal that closes signal all processes of a worker."""
    decoder.decode(make_jpeg())
    child = child_of(decoder)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        child.send_signal(number)
    assert not isinstance(decoder.decode(make_jpeg()), Failure)
    assert child_of(decoder) is child


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not enforce limits on memory")
def test_image_that_takes_more_memory_than_it_reserved_is_unreadable(decoder: IsolatedDecoder) -> None:
    with pytest.raises(ImageRejected) as refused:
        decoder.decode(make_trapped_jpeg("memory"))
    assert refused.value.reason is RefusalReason.UNREADABLE
    assert not isinstance(decoder.decode(make_jpeg()), Failure)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not enforce limits on memory")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIC"])
def test_large_image_gets_by_with_the_memory_that_it_reserved(decoder: IsolatedDecoder, kind: str) -> None:
    """Twelve megapixels, as phones make them, at the limit that the child sets itself."""
    image = Image.new("RGB", (4000, 3000), "brown")
    options: dict[str, dict[str, Any]] = {"TIFF": {"compression": "tiff_lzw"}, "AVIF": {"speed": 10}}
    data = encode_heic(image) if kind == "HEIC" else encode(image, kind, **options.get(kind, {}))
    decoded = decoder.decode(data)
    assert not isinstance(decoded, Failure)
    assert (decoded.width, decoded.height) == (4000, 3000)


def test_image_waits_for_memory_without_losing_decode_time() -> None:
    limits = DecodeLimits()
    budget = WeightedSemaphore(limits.max_memory)
    decoder = IsolatedDecoder(SPEC, limits=limits, budget=budget, timeout_s=3)
    try:
        decoder.decode(make_jpeg())
        assert budget.acquire(limits.max_memory)
        thread, results = in_thread(lambda: decoder.decode(make_jpeg()))
        thread.join(3.5)
        assert results == [], "it waits"
        budget.release(limits.max_memory)
        thread.join(30)
        assert len(results) == 1
        assert not isinstance(results[0], Failure | Exception)
        assert budget.acquire(limits.max_memory), "the reservation was returned"
    finally:
        decoder.close()


def test_close_ends_the_child_and_blames_no_image(new_decoder: IsolatedDecoder) -> None:
    """A worker that stops, restarts or changes its artefact twice closes a decoder in the middle of an image."""
    new_decoder.decode(make_jpeg())
    child = psutil.Process(child_of(new_decoder).pid)
    thread, results = in_thread(lambda: new_decoder.decode(make_trapped_jpeg("spin")))
    before = child.cpu_times().user
    wait_for(lambda: child.cpu_times().user > before + 0.2)
    new_decoder.close()
    thread.join(30)
    assert isinstance(results[0], DecoderClosed)
    assert not child.is_running()
    with pytest.raises(DecoderClosed):
        new_decoder.decode(make_jpeg())


def test_child_that_cannot_start_is_no_fault_of_the_image(
    new_decoder: IsolatedDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.batching.isolated_decoder._COMMAND", (sys.executable, "-c", "raise SystemExit(1)"))
    with pytest.raises(DecoderUnavailable):
        new_decoder.decode(make_jpeg())

    def no_process(*_arguments: object, **_options: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", no_process)
        with pytest.raises(DecoderUnavailable, match="temporarily unavailable"):
            new_decoder.decode(make_jpeg())
    monkeypatch.undo()
    assert not isinstance(new_decoder.decode(make_jpeg()), Failure)


PARENT = """
import os, sys, threading
from tests.worker.batching.test_isolated_decoder import make_decoder, make_jpeg, make_trapped_jpeg
decoder = make_decoder(timeout_s=600)
decoder.decode(make_jpeg())
threading.Thread(target=decoder.decode, args=(make_trapped_jpeg("spin"),), daemon=True).start()
print(decoder._child.pid, flush=True)
sys.stdin.readline()
{end}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no parent-death signal")
@pytest.mark.parametrize(
    "end",
    [
        pytest.param("os.kill(os.getpid(), 9)", id="killed"),
        pytest.param("os.execv('/bin/sleep', ['sleep', '60'])", id="replaced"),
    ],
)
def test_child_does_not_outlive_its_parent(end: str) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(end=end)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        try:
            child = psutil.Process(int(parent.stdout.readline()))
            before = child.cpu_times().user
            wait_for(lambda: child.cpu_times().user > before + 0.2)
            parent.stdin.write("\n")
            parent.stdin.flush()
            wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
        finally:
            parent.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="the parent's limit is what other systems have")
def test_child_has_a_limit_of_cpu_time_of_its_own() -> None:
    decoder = make_decoder(timeout_s=600)
    decoder._request = decoder._request.replace(b'"cpu_s": 600', b'"cpu_s": 1')
    try:
        assert decoder.decode(make_trapped_jpeg("spin")) == Failure(reason=FailureReason.DECODE_HUNG)
    finally:
        decoder.close()


def test_child_gets_no_password(new_decoder: IsolatedDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:secret@host")
    monkeypatch.setenv("MELANOMA_BOT_TOKEN", "1:secret")
    new_decoder.decode(make_jpeg())
    assert "secret" not in str(psutil.Process(child_of(new_decoder).pid).environ())


def test_child_takes_little_memory_and_no_thread_a_core(decoder: IsolatedDecoder) -> None:
    decoder.decode(make_jpeg())
    child = psutil.Process(child_of(decoder).pid)
    assert child.memory_info().rss < 150 * 2**20
    assert child.num_threads() == 2, "it decodes, and watches the pipe"
