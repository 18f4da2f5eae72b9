"""Decodes images that may have killed a worker, in a child process with limits on memory and time."""

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

# A forked child would inherit the locks of our threads and TensorFlow's memory.
_CONTEXT = multiprocessing.get_context("spawn")


class IsolatedDecoder:
    """One child process that decodes one image at a time. It is started when it is first needed.

    Args:
        timeout_s: Limit for each decode.
        max_memory_bytes: Limit of the child's address space. Enforced on Linux only.
    """

    def __init__(self, *, timeout_s: float, max_memory_bytes: int) -> None:
        self._timeout_s = timeout_s
        self._max_memory_bytes = max_memory_bytes
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def decode(self, data: bytes, spec: PreprocessingSpec) -> DecodedImage | Failure:
        """Decode an image in the child process.

        Returns:
            The decoded image, or a failure if the child died or timed out. The next image then gets a new child.

        Raises:
            ImageRejected: The image is refused, as by `shared.images.decode`.
        """
        with self._lock:
            pipe = self._ensure_child()
            try:
                pipe.send((data, spec))
                if not pipe.poll(self._timeout_s):
                    log.warning("decode timed out in the child process, the image fails")
                    return self._stop_and_fail(FailureReason.DECODE_HUNG)
                result = pipe.recv()
            except (EOFError, OSError):
                log.warning("the child process died while decoding, the image fails")
                return self._stop_and_fail(FailureReason.DECODE_DIED)
        if isinstance(result, RefusalReason):
            raise ImageRejected(result)
        decoded: DecodedImage = result
        return decoded

    def stop(self) -> None:
        """End the child process if there is one."""
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
            # Wait for its imports, which must not count as decode time.
            self._pipe.recv()
        return self._pipe


def _run_child(pipe: Connection, memory: int) -> None:
    """Run in the child process: decode until the parent closes the pipe."""
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
