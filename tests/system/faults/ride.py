"""What people and a folder run notice of a fault."""

import asyncio
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final

from simulator.client.client import SimulatorClient, User
from tests.system.chat import agreed, answer_to, answers, words
from tests.system.faults.faulty_stack import LONG_S, ShakenHouse
from tests.system.stack import Submission, assert_complete

#: From the end of the fault until answers flow again. Seconds.
RECOVERED_S: Final = 20.0

_BEFORE: Final = 2
_DURING: Final = 2


def ride_out(house: ShakenHouse, folder: Path, *faults: AbstractContextManager[object], held_s: float = LONG_S) -> None:
    """People send photographs and a folder is under way; `faults` befall them for `held_s` seconds.

    Each photograph, sent before or during the faults, gets its verdict, once; each picture of the folder, too; and soon
    after the end of the faults answers flow again.
    """
    images = len(list(folder.iterdir()))

    async def scene(simulator: SimulatorClient) -> Submission:
        people = await asyncio.gather(*(agreed(simulator) for _ in range(_BEFORE + _DURING)))
        submission = house.submit(folder)
        await asyncio.to_thread(submission.wait_for, 10)
        sent = [(one, await one.send_photo(house.pictures[0])) for one in people[:_BEFORE]]
        with ExitStack() as stack:
            for fault in faults:
                stack.enter_context(fault)
            assert submission.count() < images, "the fault falls into the run"
            sent += [(one, await one.send_photo(house.pictures[1])) for one in people[_BEFORE:]]
            await asyncio.sleep(held_s)
        rows, ended = submission.count(), time.monotonic()
        row, *people_s = await asyncio.gather(
            asyncio.to_thread(_next_row, submission, rows, ended),
            *(_answered(one, message, ended) for one, message in sent),
        )
        print(f"answers to people after {max(people_s):.1f} s, rows of the folder after {row:.1f} s")
        assert max(people_s) < RECOVERED_S
        assert row < RECOVERED_S
        for one, message in sent:
            assert len(answers(await one.get_messages(), message)) == 1
        return submission

    submission = house.chat.play(scene)
    assert submission.finish() == 0, submission.said()
    assert_complete(submission.rows(), images)
    assert house.bot.returncode is house.worker.returncode is None


async def _answered(person: User, message: int, since: float) -> float:
    assert "not a diagnosis" in words(await answer_to(person, message, 2 * RECOVERED_S))
    return time.monotonic() - since


def _next_row(submission: Submission, rows: int, since: float) -> float:
    while submission.count() == rows and submission.process.returncode is None:
        assert time.monotonic() - since < 2 * RECOVERED_S, submission.said()
        time.sleep(0.05)
    return time.monotonic() - since
