"""A process of its own that measures on request, so that measurements take turns."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, Self


class RequestProcess:
    """A process that is idle between requests, and a context manager that runs it.

    Args:
        module: Module that runs `serve` with `sys.argv[1]` as the handle.
        arguments: What follows in `sys.argv`.
    """

    def __init__(self, module: str, *arguments: object) -> None:
        self._module = module
        self._arguments = arguments
        self._pipe, self._child_pipe = Pipe()

    def __enter__(self) -> Self:
        handle = self._child_pipe.fileno()
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module, str(handle), *map(str, self._arguments)], pass_fds=[handle]
        )
        self._child_pipe.close()
        self._pipe.recv_bytes()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._pipe.close()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def request(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for the reply."""
        self._pipe.send_bytes(json.dumps(request).encode())
        reply: dict[str, Any] = json.loads(self._pipe.recv_bytes())
        return reply


def request_all(processes: Sequence[RequestProcess], requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send a request to each process at the same time, and wait for all replies."""
    with ThreadPoolExecutor(len(processes)) as pool:
        return list(pool.map(lambda process, request: process.request(request), processes, requests))


def serve(handle: str, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer the requests that come through the pipe `handle`, until it is closed."""
    pipe = Connection(int(handle))
    pipe.send_bytes(b"ready")
    while True:
        try:
            request: dict[str, Any] = json.loads(pipe.recv_bytes())
        except EOFError:
            return
        pipe.send_bytes(json.dumps(answer(request)).encode())
