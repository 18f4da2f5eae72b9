"""Bots and workers of different releases on one ledger: users get an explanation, and nothing is lost."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.locales import translate
from local.subprocesses import BackgroundProcess
from local.worker_processes import command, start_worker, wait_until_ready
from samples.image_set import render_many
from simulator.client.client import Message, SimulatorClient, User
from tests.system.support.chat import ChatStack, consented_user, text_of
from tests.system.support.polling import eventually
from tests.system.support.release import NEXT_VERSION, PREVIOUS_VERSION, with_contract_version, with_extended_verdicts

pytestmark = pytest.mark.system

Release = dict[str, str]

CURRENT: Release = {}

SORRY = translate("en", "failure-other-release")[:40]
VERDICT = "This is not a diagnosis"


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    (path,) = render_many(tmp_path_factory.mktemp("photograph"), 1, size=(640, 480), seed=5)
    return path.read_bytes()


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatStack]:
    with ChatStack(tmp_path) as chat:
        yield chat


def start_worker_of(chat: ChatStack, release: Release) -> BackgroundProcess:
    stack = chat.stack
    log = stack.home / f"worker-{len(stack.workers)}.log"
    artefact = {"REDIS_URL": stack.broker.url, "MELANOMA_ARTEFACT": str(stack.home / "artefact")}
    worker = start_worker(log, {**artefact, **release})
    stack.workers.append(worker)
    wait_until_ready(worker)
    return worker


def ops(chat: ChatStack, release: Release, *arguments: str) -> str:
    environment = {**os.environ, "REDIS_URL": chat.stack.broker.url, "COLUMNS": "200", **release}
    result = subprocess.run(
        [*command("melanoma-ops"), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in result.stderr
    return result.stdout + result.stderr


def replay(chat: ChatStack, release: Release) -> None:
    assert "1 of 1 are tried again" in ops(chat, release, "dead", "replay", "--all", "--yes")


async def wait_for_answer_with(user: User, sent: int, opening: str) -> Message:
    """The answer to a photograph that contains `opening`."""
    return await user.wait_for_message(
        lambda message: (
            message.get("reply_to_message", {}).get("message_id") == sent
            and bool(message.get("reply_markup"))
            and opening in text_of(message)
        ),
        60,
    )


def assert_folder_run_says_what_to_do(chat: ChatStack, tmp_path: Path, photograph: bytes) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    (folder / "mole.jpg").write_bytes(photograph)
    submission = chat.stack.submit(folder)
    assert submission.finish() == 1
    assert [row["reason"] for row in submission.rows()] == ["unknown_contract"]
    assert "install the same one" in (submission.out / "report.html").read_text()
    ops(chat, CURRENT, "dead", "drop", "--all", "--yes")


@pytest.mark.parametrize(
    ("version", "older"),
    [(PREVIOUS_VERSION, "worker"), (NEXT_VERSION, "bot")],
    ids=["older worker", "older bot"],
)
def test_mismatched_releases_report_it_and_the_answer_follows_the_upgrade(
    chat: ChatStack, tmp_path: Path, photograph: bytes, version: int, older: str
) -> None:
    other = with_contract_version(version, tmp_path / "other")
    newer = CURRENT if older == "worker" else other

    def upgrade() -> None:
        if older == "worker":
            chat.stack.workers[-1].stop()
            start_worker_of(chat, newer)
        else:
            chat.bots[-1].stop()
            chat.start_bot(**newer)

    async def scenario(simulator: SimulatorClient) -> None:
        user = await consented_user(simulator)
        sent = await user.send_photo(photograph)
        await wait_for_answer_with(user, sent, SORRY)
        if older == "worker":
            assert "is of another release (contract" in await asyncio.to_thread(ops, chat, CURRENT, "doctor")
        await asyncio.to_thread(upgrade)
        await asyncio.to_thread(replay, chat, newer)
        await wait_for_answer_with(user, sent, VERDICT)
        assert chat.stack.client.zcard("melanoma:dead_letters") == 0

    start_worker_of(chat, other)
    if older == "worker":
        assert_folder_run_says_what_to_do(chat, tmp_path, photograph)
    chat.start_bot()
    chat.run(scenario)


def test_verdict_unreadable_by_an_older_bot_is_kept_for_the_newer_one(
    chat: ChatStack, tmp_path: Path, photograph: bytes
) -> None:
    newer = with_extended_verdicts(tmp_path / "newer")

    async def scenario(simulator: SimulatorClient) -> None:
        user = await consented_user(simulator)
        sent = await user.send_photo(photograph)
        await wait_for_answer_with(user, sent, SORRY)
        await asyncio.to_thread(eventually, lambda: chat.stack.client.zcard("melanoma:dead_letters"))
        assert "decided by another release" in await asyncio.to_thread(ops, chat, CURRENT, "dead", "list")
        await asyncio.to_thread(chat.bots[-1].stop)
        await asyncio.to_thread(lambda: chat.start_bot(**newer))
        await asyncio.to_thread(replay, chat, newer)
        answer = await wait_for_answer_with(user, sent, VERDICT)
        assert "photo" in answer, "the evidence map needs the image, so the image must have been kept"

    start_worker_of(chat, newer)
    chat.start_bot()
    chat.run(scenario)
