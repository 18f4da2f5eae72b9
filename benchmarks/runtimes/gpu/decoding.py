"""What the cores of this machine decode at most: one process a core, without a queue and without the model."""

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness.cpu_affinity import set_affinity
from benchmarks.harness.request_process import RequestProcess, request_all, serve
from shared.config.settings import settings
from shared.images.decode import decode
from shared.model.artefact import read_artefact


class DecodingCores:
    """Processes that decode the images in a folder, one on each core. They are idle between measurements."""

    def __init__(self, processes: Sequence[RequestProcess]) -> None:
        self._processes = processes

    def measure(self, cores: int, seconds: float) -> float:
        """Images a second of the first `cores` cores together."""
        requests = [{"seconds": seconds}] * cores
        return float(sum(reply["images_per_s"] for reply in request_all(self._processes[:cores], requests)))


@contextmanager
def start_decoding_cores(folder: Path, cores: Sequence[int]) -> Iterator[DecodingCores]:
    """Start a process for each of the cores."""
    with ExitStack() as stack:
        processes = []
        for core in cores:
            process = stack.enter_context(RequestProcess(__name__, folder))
            set_affinity((process.pid,), (core,))
            processes.append(process)
        yield DecodingCores(processes)


class _Decoder:
    """Decodes the images of a folder as a worker does."""

    def __init__(self, folder: Path) -> None:
        self._preprocessing = read_artefact(settings().artefact).picture
        self._images = [path.read_bytes() for path in sorted(folder.iterdir())]

    def answer(self, request: dict[str, Any]) -> dict[str, float]:
        """Decode for some seconds. Returns images a second."""
        started, elapsed, count = time.perf_counter(), 0.0, 0
        images = itertools.cycle(self._images)
        while elapsed < request["seconds"]:
            decode(next(images), self._preprocessing)
            elapsed, count = time.perf_counter() - started, count + 1
        return {"images_per_s": count / elapsed}


if __name__ == "__main__":
    serve(sys.argv[1], _Decoder(Path(sys.argv[2])).answer)
