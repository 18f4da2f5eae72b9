"""An operator's first day with the service, on real processes. `make first-day` runs it."""

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
from samples.image_set import render_many
from simulator.client.client import SimulatorClient
from tests.deploy.deployment import named_queries
from tests.system.conftest import IMAGES, link_first
from tests.system.operations.test_operating import FEW, artefact_versions, copy_as_next_version, ops, status
from tests.system.support.chat import ChatStack, consented_user, text_of, wait_for_answer
from tests.system.support.polling import eventually
from tests.system.support.prometheus import PrometheusServer, is_installed
from tests.system.support.stack import assert_complete

pytestmark = pytest.mark.system

#: Panels without data on this day, because no worker gives up a photograph.
_PANELS_WITHOUT_DATA: Final = {"Dead letters by reason"}


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatStack]:
    with ChatStack(tmp_path, {"MELANOMA_TELEGRAM_MAX_ATTEMPTS": "2"}) as chat:
        yield chat


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[PrometheusServer | None]:
    """A Prometheus server. None where it is not installed."""
    if is_installed():
        with PrometheusServer(tmp_path / "prometheus") as server:
            yield server
    else:
        yield None


def print_step(text: str) -> None:
    print(f"\n--- {text}")


class MonitoredProcesses:
    """Starts processes whose metrics Prometheus scrapes."""

    def __init__(self, chat: ChatStack, prometheus: PrometheusServer | None) -> None:
        self._chat = chat
        self._prometheus = prometheus

    def start_worker(self) -> BackgroundProcess:
        port = {"MELANOMA_METRICS_PORT": str(self._monitored_port("worker"))}
        return self._chat.stack.start_worker(wait=False, environment=port)

    def start_bot(self) -> None:
        self._chat.start_bot(MELANOMA_BOT_PORT=str(self._monitored_port("bot")))

    def exporter(self, log: Path) -> BackgroundProcess:
        command = [sys.executable, "-m", "ops", "exporter", "--port", str(self._monitored_port("ledger"))]
        return BackgroundProcess(command, log=log, environment={"REDIS_URL": self._chat.stack.broker.url})

    def _monitored_port(self, job: str) -> int:
        port = free_port()
        if self._prometheus is not None:
            self._prometheus.add_target(job, port)
        return port


@pytest.mark.timeout(600)
def test_first_day_of_an_operator(
    chat: ChatStack, prometheus: PrometheusServer | None, folder: Path, tmp_path: Path
) -> None:
    stack, day = chat.stack, MonitoredProcesses(chat, prometheus)
    image = render_many(tmp_path / "one", 1, size=(640, 480), seed=5)[0].read_bytes()

    print_step("doctor: no worker runs yet")
    assert "workers: none is alive" in ops(stack, "doctor", code=1)

    print_step("start everything; photographs to the bot: one is answered, a damaged one is refused")
    with day.exporter(tmp_path / "exporter.log"):
        wait_until_ready(day.start_worker())
        day.start_bot()
        eventually(lambda: any(process.get("artefact") for process in status(stack)["processes"]))
        assert "problem" not in ops(stack, "doctor")
        chat.run(lambda simulator: _send_photos(simulator, image))

        print_step("a folder run; scale from one worker to three and back")
        few = tmp_path / "few"
        few.mkdir()
        submission = stack.submit(link_first(FEW, folder, few))
        submission.wait_for_rows(50)
        more = [day.start_worker(), day.start_worker()]
        for late in more:
            wait_until_ready(late)
        eventually(lambda: len([process for process in status(stack)["processes"] if process["role"] == "worker"]) == 3)
        for late in more:
            late.send_signal(signal.SIGTERM)
            assert late.wait(60) == 0
        assert submission.finish() == 0, submission.output()
        assert_complete(submission.rows(), FEW)

        print_step("switch to another artefact under load, and back")
        submission = stack.submit(folder)
        assert "All workers serve" in ops(stack, "switch", str(copy_as_next_version(stack, tmp_path)))
        submission.wait_for_rows(submission.row_count() + 100)
        assert "All workers serve" in ops(stack, "switch", "--back")
        assert submission.finish() == 0, submission.output()
        assert_complete(submission.rows(), IMAGES)
        assert len(artefact_versions(submission.rows())) == 2

        print_step("an answer that cannot be delivered becomes a dead letter and is replayed")
        chat.run(lambda simulator: _replay_dead_letter(simulator, chat, image))

        print_step("Prometheus evaluates the queries of the dashboard and the alerts")
        if prometheus is None:
            print("skipped: Prometheus is not installed")
        else:
            _evaluate_all_queries(prometheus)


async def _send_photos(simulator: SimulatorClient, image: bytes) -> None:
    user, other = await consented_user(simulator), await consented_user(simulator, "ru")
    assert "not a diagnosis" in text_of(await wait_for_answer(user, await user.send_photo(image)))
    damaged = await other.send_document(image[:2000], "broken.jpg", "image/jpeg")
    assert "повреждён" in text_of(await wait_for_answer(other, damaged))


async def _replay_dead_letter(simulator: SimulatorClient, chat: ChatStack, image: bytes) -> None:
    user = await consented_user(simulator)
    await simulator.set_faults(1.0, kinds=["500"], methods=["sendPhoto", "editMessageMedia"])
    sent = await user.send_photo(image)
    await asyncio.to_thread(eventually, lambda: "No dead letters" not in ops(chat.stack, "dead", "list"))
    await simulator.clear_faults()
    assert "1 of 1 are tried again" in await asyncio.to_thread(ops, chat.stack, "dead", "replay", "--all", "--yes")
    assert "not a diagnosis" in text_of(await wait_for_answer(user, sent))


def _evaluate_all_queries(prometheus: PrometheusServer) -> None:
    alerts = prometheus.alert_health()
    assert set(alerts.values()) == {"ok"}
    for where, query in named_queries():
        if where in alerts or where in _PANELS_WITHOUT_DATA:
            prometheus.query(query)
        else:
            # A rate needs two scrapes.
            eventually(lambda query=query: prometheus.query(query), 20)  # type: ignore[misc]


def test_ops_help_lists_its_commands() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ops", "--help"], capture_output=True, text=True, check=True, timeout=30
    )
    for command in ("status", "doctor", "dead", "pause", "resume", "drain", "switch", "trace", "exporter"):
        assert command in result.stdout
