"""The profiler of `make bot-profile`."""

import threading
import time

from PIL import Image

from benchmarks.chat.sampled_bot import CpuSampler
from bot.presentation.rendering import format_wait

_CPU_S = 0.3


def draw(until: float) -> None:
    image = Image.new("RGB", (640, 480))
    while time.thread_time() < until:
        image.resize((320, 240), Image.Resampling.LANCZOS)


def write_texts(until: float) -> None:
    while time.thread_time() < until:
        format_wait(42, "en")


def test_cpu_time_goes_to_the_part_and_the_thread_that_took_it() -> None:
    sampler = CpuSampler()
    before = time.process_time()
    sampler.start()
    drawing = threading.Thread(target=draw, args=(_CPU_S,))
    drawing.start()
    write_texts(time.thread_time() + _CPU_S)
    drawing.join()
    sampler.stop()
    evidence, texts = sampler.seconds["evidence picture (in threads)"], sampler.seconds["texts and buttons"]
    assert evidence > 0
    assert texts > 0
    everything = sum(sampler.seconds.values())
    assert evidence + texts > everything / 2
    assert everything <= time.process_time() - before
