"""The process behind `benchmarks.harness.baseline`: decodes and predicts, without the rest of the service."""

import itertools
import os
import queue
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.baseline import BATCH_SIZES
from benchmarks.harness.request_process import serve
from runtimes.factory import load_predictor
from shared.config.settings import settings
from shared.images.decode import decode
from shared.model.artefact import read_artefact


class Baseline:
    """Measures in this process, on the images in `folder`."""

    def __init__(self, folder: Path) -> None:
        config = settings()
        manifest = read_artefact(config.artefact)
        self._predictor = load_predictor(
            config.artefact, manifest, runtime=config.runtime, device=config.device, precision=config.precision
        )
        self._preprocessing = manifest.picture
        self._images = [path.read_bytes() for path in sorted(folder.iterdir())]
        for size in sorted({1, *BATCH_SIZES}):
            for _ in range(3):
                self._predictor.predict(
                    np.zeros((size, self._preprocessing.size, self._preprocessing.size, 3), np.uint8)
                )

    def single_image_latency(self, seconds: float) -> dict[str, float]:
        """Median seconds of one image, with one image at a time."""
        times: list[float] = []
        deadline = time.perf_counter() + seconds
        images = itertools.cycle(self._images)
        while not times or time.perf_counter() < deadline:
            started = time.perf_counter()
            self._predictor.predict(self._decode(next(images))[np.newaxis])
            times.append(time.perf_counter() - started)
        return {"p50_s": statistics.median(times)}

    def throughput(self, batch: int, threads: int, seconds: float) -> dict[str, float]:
        """Images a second, and CPU seconds of one image."""
        decoded: queue.Queue[NDArray[np.uint8]] = queue.Queue(maxsize=2 * batch)
        stop = threading.Event()
        source, lock = itertools.cycle(self._images), threading.Lock()
        decoders = [
            threading.Thread(target=self._decode_into, args=(decoded, source, lock, stop)) for _ in range(threads)
        ]
        for decoder in decoders:
            decoder.start()
        done, cpu, started = 0, time.process_time(), time.perf_counter()
        while time.perf_counter() - started < seconds:
            self._predictor.predict(np.stack([decoded.get() for _ in range(batch)]))
            done += batch
        elapsed, spent = time.perf_counter() - started, time.process_time() - cpu
        stop.set()
        for decoder in decoders:
            decoder.join()
        return {"images_per_s": done / elapsed, "cpu_s": spent / done}

    def _decode(self, data: bytes) -> NDArray[np.uint8]:
        return decode(data, self._preprocessing).pixels

    def _decode_into(
        self,
        decoded: "queue.Queue[NDArray[np.uint8]]",
        source: Iterator[bytes],
        lock: threading.Lock,
        stop: threading.Event,
    ) -> None:
        while not stop.is_set():
            with lock:
                data = next(source)
            pixels = self._decode(data)
            while not stop.is_set():
                try:
                    decoded.put(pixels, timeout=0.1)
                except queue.Full:
                    continue
                break

    def answer(self, request: dict[str, Any]) -> dict[str, float]:
        """Measure what a request asks for."""
        return self.throughput(**request) if request["threads"] else self.single_image_latency(request["seconds"])


if __name__ == "__main__":
    if sys.argv[3:]:
        # Before the runtime counts its cores.
        os.sched_setaffinity(0, map(int, sys.argv[3:]))
    serve(sys.argv[1], Baseline(Path(sys.argv[2])).answer)
