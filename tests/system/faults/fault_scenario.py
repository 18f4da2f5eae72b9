"""What people and a folder run notice of a fault."""

import asyncio
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final

from simulator.client.client import SimulatorClient, User
from tests.system.chat import answers_to, consented_user, text_of, wait_for_answer
from tests.system.faults.faulty_stack import FAULT_S, FaultyStack
from tests.system.stack import Submission, assert_complete

#: From the end of the fault until answers flow again. Seconds.
RECOVERY_LIMIT_S: Final = 20.0

_USERS_BEFORE: Final = 2
_USERS_DURING: Final = 2


def assert_service_survives(
    stack: FaultyStack, folder: Path, *faults: AbstractContextManager[object], fault_s: float = FAULT_S
) -> None:
    """People send photographs and a folder is under way; `faults` befall them for `held_s` seconds.

    Each photograph, sent before or during the faults, gets its verdict, once; each picture of the folder, too; and soon
    after the end of the faults answers flow again.
    """
    images = len(list(folder.iterdir()))

    async def scenario(simulator: SimulatorClient) -> Submission:
        people = await asyncio.gather(*(consented_user(simulator) for _ in range(_USERS_BEFORE + _USERS_DURING)))
        submission = stack.submit(folder)
        await asyncio.to_thread(submission.wait_for_rows, 10)
        sent = [(one, await one.photo(stack.images[0])) for one in people[:_USERS_BEFORE]]
        with ExitStack() as active_faults:
            for fault in faults:
                active_faults.enter_context(fault)
            assert submission.row_count() < images, "the fault falls into the run"
            sent += [(one, await one.photo(stack.images[1])) for one in people[_USERS_BEFORE:]]
            await asyncio.sleep(fault_s)
        rows, ended = submission.row_count(), time.monotonic()
        row, *people_s = await asyncio.gather(
            asyncio.to_thread(_time_to_next_row, submission, rows, ended),
            *(_time_to_answer(one, message, ended) for one, message in sent),
        )
        print(f"answers to people after {max(people_s):.1f} s, rows of the folder after {row:.1f} s")
        assert max(people_s) < RECOVERY_LIMIT_S
        assert row < RECOVERY_LIMIT_S
        for one, message in sent:
            assert len(answers_to(await one.messages(), message)) == 1
        return submission

    submission = stack.chat.run(scenario)
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), images)
    assert stack.bot.returncode is stack.worker.returncode is None


async def _time_to_answer(user: User, message: int, since: float) -> float:
    assert "not a diagnosis" in text_of(await wait_for_answer(user, message, 2 * RECOVERY_LIMIT_S))
    return time.monotonic() - since


def _time_to_next_row(submission: Submission, rows: int, since: float) -> float:
    while submission.row_count() == rows and submission.process.returncode is None:
        assert time.monotonic() - since < 2 * RECOVERY_LIMIT_S, submission.output()
        time.sleep(0.05)
    return time.monotonic() - since
