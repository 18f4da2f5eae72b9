"""The operator's first day, from the doctor to the evening, on real processes. `make first-day` plays it."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from local.embedded_valkey import free_port
from local.subprocesses import BackgroundProcess
from local.worker_processes import wait_until_ready
from samples.many import render_many
from simulator.client.client import SimulatorClient
from tests.deploy.places import queries
from tests.system.chat import ChatHouse, agreed, answer_to, words
from tests.system.conftest import PICTURES
from tests.system.polling import eventually
from tests.system.prometheus import Prometheus, installed
from tests.system.stack import assert_complete
from tests.system.test_operating import another, artefacts_of, ops, status

pytestmark = pytest.mark.system

#: Panels about what does not happen on this day: no worker gives a photograph up.
_QUIET: Final = {"Dead letters by reason"}


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatHouse]:
    with ChatHouse(tmp_path, {"MELANOMA_TELEGRAM_MAX_ATTEMPTS": "2"}) as house:
        yield house


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus | None]:
    """A server that watches; None on a machine without one."""
    if installed():
        with Prometheus(tmp_path / "prometheus") as server:
            yield server
    else:
        yield None


def say(text: str) -> None:
    print(f"\n--- {text}")


class Day:
    """Processes with metrics, each watched from its start."""

    def __init__(self, chat: ChatHouse, prometheus: Prometheus | None) -> None:
        self._chat = chat
        self._prometheus = prometheus

    def start_worker(self) -> BackgroundProcess:
        port = {"MELANOMA_METRICS_PORT": str(self._watched("worker"))}
        return self._chat.house.start_worker(wait=False, environment=port)

    def start_bot(self) -> None:
        self._chat.start_bot(MELANOMA_BOT_PORT=str(self._watched("bot")))

    def exporter(self, log: Path) -> BackgroundProcess:
        command = [sys.executable, "-m", "ops", "exporter", "--port", str(self._watched("ledger"))]
        return BackgroundProcess(command, log=log, environment={"REDIS_URL": self._chat.house.broker.url})

    def _watched(self, job: str) -> int:
        port = free_port()
        if self._prometheus is not None:
            self._prometheus.watch(job, port)
        return port


@pytest.mark.timeout(600)
def test_the_first_day(chat: ChatHouse, prometheus: Prometheus | None, folder: Path, tmp_path: Path) -> None:
    house, day = chat.house, Day(chat, prometheus)
    image = render_many(tmp_path / "one", 1, size=(640, 480), seed=5)[0].read_bytes()

    say("doctor: nobody works yet")
    assert "workers: none is alive" in ops(house, "doctor", code=1)

    say("up, and photographs to the bot: one is answered, a damaged one refused")
    with day.exporter(tmp_path / "exporter.log"):
        wait_until_ready(day.start_worker())
        day.start_bot()
        eventually(lambda: any(one.get("artefact") for one in status(house)["processes"]))
        assert "problem" not in ops(house, "doctor")
        chat.play(lambda simulator: _photographs(simulator, image))

        say("a folder; one worker becomes three, and one again")
        submission = house.submit(folder)
        submission.wait_for(50)
        more = [day.start_worker(), day.start_worker()]
        for late in more:
            wait_until_ready(late)
        eventually(lambda: len([one for one in status(house)["processes"] if one["role"] == "worker"]) == 3)
        for late in more:
            late.send_signal(signal.SIGTERM)
            assert late.wait(60) == 0
        assert submission.finish() == 0, submission.said()
        assert_complete(submission.rows(), PICTURES)

        say("another artefact under load, and back")
        submission = house.submit(folder)
        assert "All workers serve" in ops(house, "switch", str(another(house)))
        submission.wait_for(submission.count() + 100)
        assert "All workers serve" in ops(house, "switch", "--back")
        assert submission.finish() == 0, submission.said()
        assert_complete(submission.rows(), PICTURES)
        assert len(artefacts_of(submission.rows())) == 2

        say("an answer that cannot be delivered is a dead letter, and replayed")
        chat.play(lambda simulator: _dead_letter(simulator, chat, image))

        say("the dashboard's queries and the alerts, by a Prometheus server")
        if prometheus is None:
            print("not here: there is no Prometheus on this machine")
        else:
            _ask_everything(prometheus)


async def _photographs(simulator: SimulatorClient, image: bytes) -> None:
    person, other = await agreed(simulator), await agreed(simulator, "ru")
    assert "not a diagnosis" in words(await answer_to(person, await person.send_photo(image)))
    damaged = await other.send_document(image[:2000], "broken.jpg", "image/jpeg")
    assert "повреждён" in words(await answer_to(other, damaged))


async def _dead_letter(simulator: SimulatorClient, chat: ChatHouse, image: bytes) -> None:
    person = await agreed(simulator)
    await simulator.set_faults(1.0, kinds=["500"], methods=["sendPhoto", "editMessageMedia"])
    sent = await person.send_photo(image)
    await asyncio.to_thread(eventually, lambda: "No dead letters" not in ops(chat.house, "dead", "list"))
    await simulator.clear_faults()
    assert "1 of 1 are tried again" in await asyncio.to_thread(ops, chat.house, "dead", "replay", "--all", "--yes")
    assert "not a diagnosis" in words(await answer_to(person, sent))


def _ask_everything(prometheus: Prometheus) -> None:
    alerts = prometheus.alerts()
    assert set(alerts.values()) == {"ok"}
    for where, query in queries():
        if where in alerts or where in _QUIET:
            prometheus.ask(query)
        else:
            # Two scrapes make a rate.
            eventually(lambda query=query: prometheus.ask(query), 20)  # type: ignore[misc]


def test_the_command_explains_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops", "--help"], capture_output=True, text=True, check=True, timeout=30
    )
    for command in ("status", "doctor", "dead", "pause", "resume", "drain", "switch", "trace", "exporter"):
        assert command in done.stdout
