"""The child process that decodes images for `worker.batching.isolated_decoder`.

Its limits hold without its parent: it ends when the parent does, its CPU time and address space are limited for each
image, and it ignores the signals that stop a group of processes. It never imports what holds passwords.
"""

import ctypes
import json
import os
import resource
import select
import signal
import sys
import threading
from contextlib import suppress
from math import ceil
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from PIL import AvifImagePlugin
from pillow_heif import options as heif_options

from shared.contract.decision import RefusalReason
from shared.images.decode import decode
from shared.images.limits import DecodeLimits
from shared.images.preprocessing import PreprocessingSpec
from shared.images.refusal import ImageRejected

#: Address space for reading a header, before memory is reserved. WebP's reader maps two canvases at once.
_HEADER_MEMORY: Final = 512 * 2**20
#: Address space besides the reservation: fragments, stacks, the file itself.
_SLACK_MEMORY: Final = 160 * 2**20
_PR_SET_PDEATHSIG: Final = 1
_IGNORED_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Decode until the parent closes the pipe. Arguments: number of the pipe, id of the parent, niceness to add."""
    descriptor, parent, niceness = map(int, sys.argv[1:])
    os.nice(niceness)
    _end_with_parent(parent, descriptor)
    for number in _IGNORED_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # One image, one thread: what a decode takes then does not depend on the machine.
    heif_options.DECODE_THREADS = 1
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    pipe = Connection(descriptor)
    with suppress(EOFError, BrokenPipeError):  # the parent closed the pipe
        pipe.send_bytes(b"ready")
        while True:
            request = json.loads(pipe.recv_bytes())
            data = pipe.recv_bytes()
            reply, pixels = _decode(pipe, data, request)
            _limit_memory(None)
            pipe.send_bytes(json.dumps(reply).encode())
            if pixels:
                pipe.send_bytes(pixels)


def _decode(pipe: Connection, data: bytes, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    def reserve(memory: int) -> None:
        pipe.send_bytes(json.dumps({"reserve": memory}).encode())
        pipe.recv_bytes()
        _limit_memory(memory + _SLACK_MEMORY)

    _limit_cpu(request["cpu_s"])
    _limit_memory(_HEADER_MEMORY)
    try:
        spec = PreprocessingSpec.model_validate(request["spec"])
        decoded = decode(data, spec, DecodeLimits(max_memory=request["max_memory"]), reserve=reserve)
        size = {"width": decoded.width, "height": decoded.height}
        return {"decoded": size, "advice": list(decoded.advice)}, decoded.pixels.tobytes()
    except ImageRejected as error:
        return {"refused": error.reason}, b""
    except MemoryError:
        return {"refused": RefusalReason.UNREADABLE}, b""


def _end_with_parent(parent: int, descriptor: int) -> None:
    """Let the kernel kill this process when the parent ends, and end it when the parent closes the pipe.

    A parent that replaces itself by another program does not end, but closes the pipe.
    """

    def wait_for_hang_up() -> None:
        poll = select.poll()
        poll.register(descriptor, 0)  # reports a hang-up only
        poll.poll()
        os._exit(0)

    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)  # it ended before the call above
    threading.Thread(target=wait_for_hang_up, daemon=True).start()


def _limit_cpu(seconds: float) -> None:
    """Limit the CPU time from now on. At the limit the kernel kills this process by SIGXCPU."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (ceil(usage.ru_utime + usage.ru_stime + seconds) + 1, hard))


def _limit_memory(memory: int | None) -> None:
    """Limit the growth of the address space to `memory` bytes from now on, or not at all. Linux only."""
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = hard
        if memory is not None:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            soft = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    main()
