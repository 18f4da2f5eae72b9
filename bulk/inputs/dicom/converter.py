"""Converts DICOM files in a child process with limits on memory and time.

A file that crashes or hangs a decoder costs its own row and not the run. The child has no output either, because the
libraries' warnings may quote the patient's data.
"""

import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
import warnings
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Final

from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from shared.contract.decision import RefusalReason
from shared.images.refusal import ImageRejected

_TIMEOUT_S: Final = 30.0
_MAX_MEMORY_BYTES: Final = 2 * 2**30
# A forked child would inherit the locks of our threads.
_CONTEXT: Final = multiprocessing.get_context("spawn")


class DicomConverter:
    """One child process that converts one file at a time. It is started when it is first needed."""

    def __init__(self, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def convert(self, data: bytes) -> bytes:
        """The picture of a DICOM file, as JPEG or PNG. Raises `FileNotReadable` and `ImageRejected`."""
        if find_spec("pydicom") is None:
            raise FileNotReadable(ReadProblem.DICOM_NOT_INSTALLED)
        with self._lock:
            try:
                pipe = self._connect()
                pipe.send_bytes(data)
                outcome = pipe.recv() if pipe.poll(self._timeout_s) else RefusalReason.UNREADABLE
            except (EOFError, OSError):
                outcome = RefusalReason.UNREADABLE
            if outcome is RefusalReason.UNREADABLE:
                self._stop()
        match outcome:
            case ReadProblem():
                raise FileNotReadable(outcome)
            case RefusalReason():
                raise ImageRejected(outcome)
            case _:
                return bytes(outcome)

    def _connect(self) -> Connection:
        if self._pipe is None or self._process is None or not self._process.is_alive():
            self._stop()
            self._pipe, ours = _CONTEXT.Pipe()
            # A daemon: it is ended with this process. If this process is killed, the child reads the end of the pipe.
            self._process = _CONTEXT.Process(target=_serve, args=(ours,), daemon=True)
            self._process.start()
            ours.close()
            self._pipe.recv()  # its imports do not count as time of a file
        return self._pipe

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


def _serve(pipe: Connection) -> None:
    """Run in the child process: convert until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and that ends the child
    for number in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    warnings.simplefilter("ignore")
    logging.disable()
    from bulk.inputs.dicom.picture import extract_picture

    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    pipe.send(None)
    while True:
        try:
            data = pipe.recv_bytes()
        except EOFError:
            return
        outcome: bytes | ReadProblem | RefusalReason
        try:
            outcome = extract_picture(data)
        except FileNotReadable as error:
            outcome = error.problem
        except ImageRejected as error:
            outcome = error.reason
        except MemoryError:
            outcome = RefusalReason.UNREADABLE
        except Exception:  # noqa: BLE001 - whatever a file makes a library raise is the problem of that file
            outcome = ReadProblem.DICOM_DAMAGED
        pipe.send(outcome)
