"""Decoding in a child process with memory and time limits, for pictures that may have killed a worker."""

import multiprocessing
import resource
import sys
import threading
from multiprocessing.connection import Connection

import structlog

from shared.contract.decision import Failure, FailureReason, RefusalReason
from shared.images.decode import DecodedImage, decode
from shared.images.preprocessing import PreprocessingSpec
from shared.images.refusal import ImageRejected

log = structlog.get_logger(__name__)

# A forked child would share the locks of our threads and TensorFlow's memory.
_CONTEXT = multiprocessing.get_context("spawn")


class IsolatedDecoder:
    """One child, started when first needed, that decodes one picture at a time.

    `limit_s` bounds each decode, `memory` the child's address space in bytes (where the system can).
    """

    def __init__(self, *, timeout_s: float, max_memory_bytes: int) -> None:
        self._timeout_s = timeout_s
        self._max_memory_bytes = max_memory_bytes
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def decode(self, data: bytes, spec: PreprocessingSpec) -> DecodedImage | Failure:
        """Decode `data`. The child's death or silence is the picture's failure; the next one gets a new child.

        Raises `ImageRejected` as `shared.images.decode` does.
        """
        with self._lock:
            pipe = self._ensure_child()
            try:
                pipe.send((data, spec))
                if not pipe.poll(self._timeout_s):
                    log.warning("a picture hung in the decoding child")
                    return self._stop_and_fail(FailureReason.DECODE_HUNG)
                result = pipe.recv()
            except (EOFError, OSError):
                log.warning("a picture killed the decoding child")
                return self._stop_and_fail(FailureReason.DECODE_DIED)
        if isinstance(result, RefusalReason):
            raise ImageRejected(result)
        decoded: DecodedImage = result
        return decoded

    def stop(self) -> None:
        """End the child, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def _stop_and_fail(self, reason: FailureReason) -> Failure:
        self.stop()
        return Failure(reason=reason)

    def _ensure_child(self) -> Connection:
        if self._pipe is None or self._process is None or not self._process.is_alive():
            self.stop()
            self._pipe, child_pipe = _CONTEXT.Pipe()
            self._process = _CONTEXT.Process(target=_run_child, args=(child_pipe, self._max_memory_bytes), daemon=True)
            self._process.start()
            child_pipe.close()
            # Its imports are not the picture's time.
            self._pipe.recv()
        return self._pipe


def _run_child(pipe: Connection, memory: int) -> None:
    """Main of the child: decode until the parent is gone."""
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    pipe.send("ready")
    while True:
        try:
            data, spec = pipe.recv()
        except EOFError:
            return
        try:
            result: DecodedImage | RefusalReason = decode(data, spec)
        except ImageRejected as error:
            result = error.reason
        pipe.send(result)
