"""There is no room: on the disks that are written to, or in Redis' memory."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulator.client.client import SimulatorClient
from tests.system.chat import agreed, answer_to, words
from tests.system.faults.disk import full_disk
from tests.system.faults.faulty_stack import ShakenHouse, frozen
from tests.system.faults.ride import RECOVERED_S, ride_out
from tests.system.polling import eventually
from tests.system.stack import assert_complete

pytestmark = pytest.mark.system


def test_redis_is_at_its_cap(shaken: ShakenHouse, few: Path) -> None:
    ride_out(shaken, few, shaken.redis_at_its_cap(), held_s=4)


def test_redis_at_its_cap_answers_whom_it_knows(shaken: ShakenHouse) -> None:
    async def scene(simulator: SimulatorClient) -> None:
        person = await agreed(simulator)
        with ExitStack() as full:
            with frozen(shaken.worker):
                sent = await person.send_photo(shaken.pictures[0])
                waiting = shaken.chat.house.client.zcard
                await asyncio.to_thread(eventually, lambda: waiting("melanoma:ready:interactive"))
                full.enter_context(shaken.redis_at_its_cap())
            assert "not a diagnosis" in words(await answer_to(person, sent, RECOVERED_S))

    shaken.chat.play(scene)


def test_the_disk_of_redis_and_of_all_logs_is_full(shaken: ShakenHouse, few: Path) -> None:
    pid = shaken.broker.pid
    assert pid is not None
    ride_out(
        shaken,
        few,
        full_disk(pid, shaken.append_only_file),
        full_disk(shaken.worker.pid, shaken.worker.log),
        full_disk(shaken.bot.pid, shaken.bot.log),
        held_s=5,
    )


def test_results_that_find_no_room_are_gone_on_with_later(shaken: ShakenHouse, few: Path, tmp_path: Path) -> None:
    submission = shaken.submit(few)
    submission.wait_for(50)
    with full_disk(submission.process.pid, submission.out / "results.jsonl"):
        assert submission.finish() == 5, submission.said()
    # Not mended yet: there is room for what it says, and for nothing else.
    (tmp_path / "little").write_bytes(bytes(4096))
    again = shaken.resume(submission, few)
    with full_disk(again.process.pid, tmp_path / "little"):
        assert again.finish() == 5, again.said()
    assert again.said().count("Once that is fixed, --resume goes on.") == 2, again.said()
    assert "Traceback" not in again.said()
    resumed = shaken.resume(submission, few)
    assert resumed.finish() == 0, resumed.said()
    assert_complete(resumed.rows(), len(list(few.iterdir())))
