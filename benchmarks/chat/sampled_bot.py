"""The bot with a sampling profiler, which adds up CPU time by part. `benchmarks.chat.bot_profile` runs it.

SIGUSR1 starts the sampling, and SIGUSR2 writes the seconds of each part as JSON to the file in `sys.argv[1]`.

Each two milliseconds of CPU time a signal interrupts the main thread. Then the CPU time of each thread since the last
signal goes to the part in which the thread is. So a thread counts by what it computes, however often it waits.
"""

import json
import signal
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType
from typing import Final

from bot.cli import main

_INTERVAL_S: Final = 0.002

_EVIDENCE: Final = "evidence picture (in threads)"
_HAND_OVER: Final = "hand-over to threads"
_CALLBACKS: Final = "event loop: callbacks and sockets"

#: Parts by what the path of a module contains; the first that fits. Of a stack, the innermost frame that fits counts.
#: So pydantic and the standard library count for who called them.
_PARTS: Final = (
    ("/PIL/", _EVIDENCE),
    ("/shared/images/", _EVIDENCE),
    ("/aiohttp/multipart.py", "Telegram: forms and upload"),
    ("/aiohttp/formdata.py", "Telegram: forms and upload"),
    ("/aiohttp/payload.py", "Telegram: forms and upload"),
    ("/aiohttp/", "Telegram: HTTP client (aiohttp)"),
    ("/yarl/", "Telegram: HTTP client (aiohttp)"),
    ("/aiogram/dispatcher/", "updates: dispatch (aiogram) and handlers"),
    ("/aiogram/fsm/", "updates: dispatch (aiogram) and handlers"),
    ("/aiogram/filters/", "updates: dispatch (aiogram) and handlers"),
    ("/bot/handlers/", "updates: dispatch (aiogram) and handlers"),
    ("/bot/middlewares/", "updates: dispatch (aiogram) and handlers"),
    ("/bot/telegram/updates.py", "updates: validation (pydantic)"),
    ("/aiogram/", "Telegram: methods and replies (aiogram, pydantic)"),
    ("/celery/", "publishing (Celery)"),
    ("/kombu/", "publishing (Celery)"),
    ("/redis/", "Redis: client"),
    ("/shared/redis_client/", "Redis: client"),
    ("/shared/coalescing/", "Redis: client"),
    ("/shared/ledger/", "Redis: client"),
    ("/fluent/", "texts and buttons"),
    ("/bot/locales/", "texts and buttons"),
    ("/bot/presentation/", "texts and buttons"),
    ("/bot/", "the bot's own code"),
    ("/shared/", "the bot's own code"),
    ("/concurrent/futures/", _HAND_OVER),
    ("/asyncio/threads.py", _HAND_OVER),
    ("/selectors.py", "event loop: epoll"),
    ("/asyncio/", _CALLBACKS),
)
_OTHER: Final = "other"
#: Where a thread waits for work, and tells the event loop that it has ended.
_AROUND_WORK: Final = (_HAND_OVER, _CALLBACKS)

#: Frames of every stack of the main thread, which say nothing.
_OUTERMOST: Final = ("/bot/cli.py", "/asyncio/runners.py", "/benchmarks/")


class CpuSampler:
    """Adds up the CPU time of this process by part."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._seen: dict[int, float] = {}
        self._part_by_file: dict[str, str | None] = {}

    def start(self) -> None:
        """Start to sample, from zero."""
        self.seconds.clear()
        self._seen = {ident: _thread_cpu_s(ident) for ident in sys._current_frames()}  # noqa: SLF001 - as documented
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL_S, _INTERVAL_S)

    def stop(self) -> None:
        """Stop to sample."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _sample(self, _number: int, interrupted: FrameType | None) -> None:
        frames = sys._current_frames()  # noqa: SLF001 - as documented
        for ident, frame in frames.items():
            cpu_s = _thread_cpu_s(ident)
            # The main thread's own frame is this function.
            is_main = ident == threading.main_thread().ident
            part = self._find_part(interrupted if is_main else frame)
            if part in _AROUND_WORK and not is_main:
                # The thread has just ended a piece of work, and nearly all work in threads is this.
                part = _EVIDENCE
            self.seconds[part] += cpu_s - self._seen.get(ident, 0.0)
            self._seen[ident] = cpu_s

    def _find_part(self, frame: FrameType | None) -> str:
        """Return the part of the innermost frame that has one."""
        while frame is not None:
            name = frame.f_code.co_filename
            if name not in self._part_by_file:
                self._part_by_file[name] = _part_of_file(name)
            if (part := self._part_by_file[name]) is not None:
                return part
            frame = frame.f_back
        return _OTHER


def _part_of_file(name: str) -> str | None:
    if any(outermost in name for outermost in _OUTERMOST):
        return None
    return next((part for pattern, part in _PARTS if pattern in name), None)


def _thread_cpu_s(ident: int) -> float:
    return time.clock_gettime(time.pthread_getcpuclockid(ident))


def _run() -> None:
    path, sampler = Path(sys.argv.pop(1)), CpuSampler()

    def write(*_: object) -> None:
        sampler.stop()
        path.write_text(json.dumps(sampler.seconds), encoding="utf-8")

    signal.signal(signal.SIGUSR1, lambda *_: sampler.start())
    signal.signal(signal.SIGUSR2, write)
    main()


if __name__ == "__main__":
    _run()
