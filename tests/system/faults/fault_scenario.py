"""Checks that chat users and a folder run get through a fault."""

import asyncio
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final

from simulator.client.client import SimulatorClient, User
from tests.system.faults.faulty_stack import FAULT_S, FaultyStack
from tests.system.support.chat import answers_to, consented_user, text_of, wait_for_answer
from tests.system.support.stack import Submission, assert_complete

#: Longest time from the end of a fault until answers arrive again.
RECOVERY_LIMIT_S: Final = 20.0

_USERS_BEFORE: Final = 2
_USERS_DURING: Final = 2


def assert_service_survives(
    stack: FaultyStack, folder: Path, *faults: AbstractContextManager[object], fault_s: float = FAULT_S
) -> None:
    """Apply `faults` for `fault_s` seconds while users send photographs and a folder run is in progress.

    Asserts that each photograph, sent before or during the faults, gets one verdict, that each image of the folder gets
    one, and that answers arrive again soon after the end of the faults.
    """
    images = len(list(folder.iterdir()))

    async def scenario(simulator: SimulatorClient) -> Submission:
        users = await asyncio.gather(*(consented_user(simulator) for _ in range(_USERS_BEFORE + _USERS_DURING)))
        submission = stack.submit(folder)
        await asyncio.to_thread(submission.wait_for_rows, 10)
        sent = [(user, await user.send_photo(stack.images[0])) for user in users[:_USERS_BEFORE]]
        with ExitStack() as active_faults:
            for fault in faults:
                active_faults.enter_context(fault)
            assert submission.row_count() < images, "the fault must fall into the run"
            sent += [(user, await user.send_photo(stack.images[1])) for user in users[_USERS_BEFORE:]]
            await asyncio.sleep(fault_s)
        rows, recovered_at = submission.row_count(), time.monotonic()
        row_s, *answer_s = await asyncio.gather(
            asyncio.to_thread(_time_to_next_row, submission, rows, recovered_at),
            *(_time_to_answer(user, message, recovered_at) for user, message in sent),
        )
        print(f"answers to users after {max(answer_s):.1f} s, rows of the folder after {row_s:.1f} s")
        assert max(answer_s) < RECOVERY_LIMIT_S
        assert row_s < RECOVERY_LIMIT_S
        for user, message in sent:
            assert len(answers_to(await user.get_messages(), message)) == 1
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
