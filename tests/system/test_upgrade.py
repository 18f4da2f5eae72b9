"""Bots and workers of different releases meet: the person is told politely, and nothing is lost."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.locales import translate
from local.subprocesses import BackgroundProcess
from local.worker_processes import command, start_worker, wait_until_ready
from samples.many import render_many
from simulator.client.client import Message, SimulatorClient, User
from tests.system.chat import ChatHouse, agreed, words
from tests.system.polling import eventually
from tests.system.release import BEFORE, NEXT, of_contract, with_richer_verdicts

pytestmark = pytest.mark.system

Release = dict[str, str]

OURS: Release = {}

SORRY = translate("en", "failure-release")[:40]
VERDICT = "This is not a diagnosis"


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    (path,) = render_many(tmp_path_factory.mktemp("photograph"), 1, size=(640, 480), seed=5)
    return path.read_bytes()


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatHouse]:
    with ChatHouse(tmp_path) as house:
        yield house


def worker_of(chat: ChatHouse, release: Release) -> BackgroundProcess:
    house = chat.house
    log = house.home / f"worker-{len(house.workers)}.log"
    artefact = {"REDIS_URL": house.broker.url, "MELANOMA_ARTEFACT": str(house.home / "artefact")}
    worker = start_worker(log, {**artefact, **release})
    house.workers.append(worker)
    wait_until_ready(worker)
    return worker


def ops(chat: ChatHouse, release: Release, *arguments: str) -> str:
    environment = {**os.environ, "REDIS_URL": chat.house.broker.url, "COLUMNS": "200", **release}
    done = subprocess.run(
        [*command("melanoma-ops"), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def replay(chat: ChatHouse, release: Release) -> None:
    assert "1 of 1 are tried again" in ops(chat, release, "dead", "replay", "--all", "--yes")


async def told(person: User, sent: int, opening: str) -> Message:
    """The message that answers a photograph and begins so."""
    return await person.wait_for(
        lambda found: (
            found.get("reply_to_message", {}).get("message_id") == sent
            and bool(found.get("reply_markup"))
            and opening in words(found)
        ),
        60,
    )


def assert_a_folder_run_says_what_to_do(chat: ChatHouse, tmp_path: Path, photograph: bytes) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    (folder / "mole.jpg").write_bytes(photograph)
    submission = chat.house.submit(folder)
    assert submission.finish() == 1
    assert [row["reason"] for row in submission.rows()] == ["unknown_contract"]
    assert "install the same one" in (submission.out / "report.html").read_text()
    ops(chat, OURS, "dead", "drop", "--all", "--yes")


@pytest.mark.parametrize(
    ("version", "lags"),
    [(BEFORE, "worker"), (NEXT, "bot")],
    ids=["a worker of the release before", "a bot of the release before"],
)
def test_releases_that_refuse_each_other_say_so_and_the_answer_comes_after_the_upgrade(
    chat: ChatHouse, tmp_path: Path, photograph: bytes, version: int, lags: str
) -> None:
    other = of_contract(version, tmp_path / "other")
    newer = OURS if lags == "worker" else other

    def upgrade() -> None:
        if lags == "worker":
            chat.house.workers[-1].stop()
            worker_of(chat, newer)
        else:
            chat.bots[-1].stop()
            chat.start_bot(**newer)

    async def scene(simulator: SimulatorClient) -> None:
        person = await agreed(simulator)
        sent = await person.photo(photograph)
        await told(person, sent, SORRY)
        if lags == "worker":
            assert "is of another release (contract" in await asyncio.to_thread(ops, chat, OURS, "doctor")
        await asyncio.to_thread(upgrade)
        await asyncio.to_thread(replay, chat, newer)
        await told(person, sent, VERDICT)
        assert chat.house.client.zcard("melanoma:dead_letters") == 0

    worker_of(chat, other)
    if lags == "worker":
        assert_a_folder_run_says_what_to_do(chat, tmp_path, photograph)
    chat.start_bot()
    chat.play(scene)


def test_a_verdict_that_an_older_bot_cannot_read_is_kept_for_the_newer_one(
    chat: ChatHouse, tmp_path: Path, photograph: bytes
) -> None:
    newer = with_richer_verdicts(tmp_path / "newer")

    async def scene(simulator: SimulatorClient) -> None:
        person = await agreed(simulator)
        sent = await person.photo(photograph)
        await told(person, sent, SORRY)
        await asyncio.to_thread(eventually, lambda: chat.house.client.zcard("melanoma:dead_letters"))
        assert "decided by another release" in await asyncio.to_thread(ops, chat, OURS, "dead", "list")
        await asyncio.to_thread(chat.bots[-1].stop)
        await asyncio.to_thread(lambda: chat.start_bot(**newer))
        await asyncio.to_thread(replay, chat, newer)
        answer = await told(person, sent, VERDICT)
        assert "photo" in answer, "with the evidence drawn: the picture was kept"

    worker_of(chat, newer)
    chat.start_bot()
    chat.play(scene)
