"""Disks are full, or Redis is at its memory limit."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.harness.redis_faults import at_memory_limit
from shared.contract.names import Queue
from simulator.client.client import SimulatorClient
from tests.system.faults.disk import full_disk
from tests.system.faults.fault_scenario import RECOVERY_LIMIT_S, assert_service_survives
from tests.system.faults.faulty_stack import FaultyStack
from tests.system.support.chat import consented_user, text_of, wait_for_answer
from tests.system.support.polling import eventually
from tests.system.support.stack import assert_complete

pytestmark = pytest.mark.system


def test_service_survives_redis_at_its_memory_limit(faulty_stack: FaultyStack, small_folder: Path) -> None:
    assert_service_survives(faulty_stack, small_folder, at_memory_limit(faulty_stack.broker.url), fault_s=4)


def test_accepted_photo_is_answered_at_the_memory_limit_though_messages_are_lost_and_the_worker_restarts(
    faulty_stack: FaultyStack,
) -> None:
    client = faulty_stack.chat.stack.client

    async def scenario(simulator: SimulatorClient) -> None:
        user = await consented_user(simulator)
        with ExitStack() as full:
            with faulty_stack.worker_killed():
                sent = await user.send_photo(faulty_stack.images[0])
                await asyncio.to_thread(eventually, lambda: client.llen(str(Queue.INTERACTIVE)))
                full.enter_context(at_memory_limit(faulty_stack.broker.url))
                client.delete(*map(str, Queue))
            assert "not a diagnosis" in text_of(await wait_for_answer(user, sent, RECOVERY_LIMIT_S))

    faulty_stack.chat.run(scenario)


def test_service_survives_full_disks_of_redis_and_logs(faulty_stack: FaultyStack, small_folder: Path) -> None:
    pid = faulty_stack.broker.pid
    assert pid is not None
    assert_service_survives(
        faulty_stack,
        small_folder,
        full_disk(pid, faulty_stack.append_only_file),
        full_disk(faulty_stack.worker.pid, faulty_stack.worker.log),
        full_disk(faulty_stack.bot.pid, faulty_stack.bot.log),
        fault_s=5,
    )


def test_folder_command_resumes_after_a_full_disk(
    faulty_stack: FaultyStack, small_folder: Path, tmp_path: Path
) -> None:
    submission = faulty_stack.submit(small_folder)
    submission.wait_for_rows(50)
    with full_disk(submission.process.pid, submission.out / "results.jsonl"):
        assert submission.finish() == 5, submission.output()
    # The disk is still full: the command can write its messages, but no results.
    (tmp_path / "little").write_bytes(bytes(4096))
    again = faulty_stack.resume(submission, small_folder)
    with full_disk(again.process.pid, tmp_path / "little"):
        assert again.finish() == 5, again.output()
    assert again.output().count("Once that is fixed, --resume goes on.") == 2, again.output()
    assert "Traceback" not in again.output()
    resumed = faulty_stack.resume(submission, small_folder)
    assert resumed.finish() == 0, resumed.output()
    assert_complete(resumed.rows(), len(list(small_folder.iterdir())))
