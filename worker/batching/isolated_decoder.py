"""Decodes images in a child process, so that an image that kills or hangs its decoder does not harm the worker."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, Pipe
from typing import Any, Final

import numpy as np
import structlog

from shared.contract.decision import Advice, Failure, FailureReason, RefusalReason
from shared.images.decode import DecodedImage
from shared.images.limits import DecodeLimits
from shared.images.preprocessing import PreprocessingSpec
from shared.images.refusal import ImageRejected
from worker.batching.weighted_semaphore import WeightedSemaphore

log = structlog.get_logger(__name__)

# -P: nothing is imported from the working directory. Nobody reads the warnings of image readers.
_COMMAND: Final = (sys.executable, "-P", "-W", "ignore", "-m", "worker.batching.decode_child")
#: Seconds for the start of the interpreter and its imports, which must not count as decode time.
_START_TIMEOUT_S: Final = 60.0
#: Bytes of a reply without pixels.
_MAX_REPLY_BYTES: Final = 4096
#: Signals by which a decoder ends its process. Others come from outside and say nothing about the image.
_CRASHES: Final = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE, signal.SIGSYS, signal.SIGTRAP}
)
#: An image is tried again after a child was killed from outside, but not for ever: the kernel kills for memory, too.
_MAX_KILLED: Final = 2
#: Variables of the environment that the child gets. Those with passwords and tokens are not among them.
_ENVIRONMENT: Final = ("HOME", "LANG", "LC_", "LD_", "DYLD_", "PATH", "PYTHON", "TMPDIR", "TZ", "VIRTUAL_ENV")


class DecoderClosed(Exception):
    """Raised when a decoder was closed before it had decoded an image."""


class DecoderUnavailable(Exception):
    """Raised when no child process can be started. The image is not to blame."""


class _KilledFromOutside(Exception):
    """Raised when the child ended by a signal that no decoder causes."""


class IsolatedDecoder:
    """One child process that decodes one image at a time. It is started when it is first needed.

    Args:
        spec: Preprocessing of the model's input.
        limits: Limits of size and cost.
        budget: Bytes that the children of the process may take at once for decoding. Larger images wait for it.
        timeout_s: Limit for each decode, without its wait for memory.
        niceness: By how much the child is nicer than this process.
    """

    def __init__(
        self,
        spec: PreprocessingSpec,
        *,
        limits: DecodeLimits,
        budget: WeightedSemaphore,
        timeout_s: float,
        niceness: int = 0,
    ) -> None:
        self._spec = spec
        self._budget = budget
        self._max_memory = limits.max_memory
        self._timeout_s = timeout_s
        self._niceness = niceness
        self._request = json.dumps(
            {"spec": spec.model_dump(mode="json"), "max_memory": limits.max_memory, "cpu_s": timeout_s}
        ).encode()
        self._lock = threading.Lock()
        self._closed = False
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def decode(self, data: bytes) -> DecodedImage | Failure:
        """Decode an image in the child process. Called by one thread at a time.

        Returns:
            The decoded image, or a failure if the child died of it or timed out. The next image gets a new child.

        Raises:
            ImageRejected: The image is refused, as by `shared.images.decode`.
            DecoderClosed: The decoder was closed meanwhile.
            DecoderUnavailable: No child can be started.
        """
        for _ in range(_MAX_KILLED):
            try:
                return self._decode_once(data)
            except _KilledFromOutside:
                log.warning("the child process was killed from outside while decoding, trying the image again")
        return Failure(reason=FailureReason.DECODE_DIED)

    def running_s(self) -> float:
        """Return 0: the child has a limit of its own, so using all of it is no hang."""
        return 0.0

    def close(self) -> None:
        """End the child process. An image in it, and one that waits for memory, is not decoded."""
        with self._lock:
            self._closed = True
            if self._child is not None:
                self._child.kill()
                self._child.wait()
        self._budget.close()

    def _decode_once(self, data: bytes) -> DecodedImage | Failure:
        child, pipe = self._ensure_child()
        reserved = 0
        timed_out = threading.Event()
        try:
            with _killed_after(self._timeout_s, child, timed_out):
                pipe.send_bytes(self._request)
                pipe.send_bytes(data)
                reply = json.loads(pipe.recv_bytes(_MAX_REPLY_BYTES))
            if "reserve" in reply:
                memory = min(max(0, int(reply["reserve"])), self._max_memory)
                if not self._budget.acquire(memory):
                    raise DecoderClosed
                reserved = memory
                with _killed_after(self._timeout_s, child, timed_out):
                    pipe.send_bytes(b"go")
                    reply = json.loads(pipe.recv_bytes(_MAX_REPLY_BYTES))
                    if "decoded" in reply:
                        return self._to_image(reply, pipe.recv_bytes(3 * self._spec.size**2))
            reason = RefusalReason(reply["refused"])
        except (EOFError, OSError, ValueError, KeyError, TypeError, AttributeError):
            # It died, or what it says makes no sense because the image took control of it.
            return self._fail(child, is_timeout=timed_out.is_set())
        finally:
            self._budget.release(reserved)
        raise ImageRejected(reason)

    def _to_image(self, reply: dict[str, Any], pixels: bytes) -> DecodedImage:
        side = self._spec.size
        return DecodedImage(
            pixels=np.frombuffer(pixels, np.uint8).reshape(side, side, 3),
            width=int(reply["decoded"]["width"]),
            height=int(reply["decoded"]["height"]),
            advice=tuple(Advice(name) for name in reply["advice"]),
        )

    def _fail(self, child: "subprocess.Popen[bytes]", *, is_timeout: bool) -> Failure:
        # A child that closed its pipe is about to end. One that talks nonsense is not.
        try:
            status = child.wait(1)
        except subprocess.TimeoutExpired:
            status = 0
        self._end_child()
        if self._closed:
            raise DecoderClosed
        if is_timeout or status == -signal.SIGXCPU:
            log.warning("decode timed out in the child process, the image fails")
            return Failure(reason=FailureReason.DECODE_HUNG)
        if status < 0 and -status not in _CRASHES:
            raise _KilledFromOutside
        log.warning("the child process died while decoding, the image fails", status=status)
        return Failure(reason=FailureReason.DECODE_DIED)

    def _ensure_child(self) -> "tuple[subprocess.Popen[bytes], Connection]":
        if self._child is None or self._pipe is None or self._child.poll() is not None:
            self._end_child()
            try:
                self._child, self._pipe = self._start_child()
            except (OSError, EOFError, subprocess.SubprocessError) as error:
                self._end_child()
                if self._closed:
                    raise DecoderClosed from error
                raise DecoderUnavailable(str(error) or type(error).__name__) from error
        return self._child, self._pipe

    def _start_child(self) -> "tuple[subprocess.Popen[bytes], Connection]":
        pipe, child_pipe = Pipe()
        with child_pipe, self._lock:
            if self._closed:
                pipe.close()
                raise DecoderClosed
            self._pipe = pipe
            self._child = child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [*_COMMAND, str(child_pipe.fileno()), str(os.getpid()), str(self._niceness)],
                pass_fds=(child_pipe.fileno(),),
                stdin=subprocess.DEVNULL,
                env=_make_environment(),
            )
        with _killed_after(_START_TIMEOUT_S, child, threading.Event()):
            pipe.recv_bytes(_MAX_REPLY_BYTES)
        return child, pipe

    def _end_child(self) -> None:
        with self._lock:
            if self._child is not None:
                self._child.kill()
                self._child.wait()
            if self._pipe is not None:
                self._pipe.close()
            self._child = self._pipe = None


@contextmanager
def _killed_after(timeout_s: float, child: "subprocess.Popen[bytes]", timed_out: threading.Event) -> Iterator[None]:
    """Kill `child` if the context lasts longer, so that no call on its pipe waits for ever."""

    def kill() -> None:
        timed_out.set()
        child.kill()

    timer = threading.Timer(timeout_s, kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _make_environment() -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT)}
    return environment | {
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),  # noqa: PTH109
        # The child multiplies no matrices. For each core OpenBLAS would map memory, which is limited here.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        # For each thread glibc would map 64 MiB.
        "MALLOC_ARENA_MAX": "1",
    }
