"""Several worker processes are one service: one start, one health, one metrics page, one stop."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.embedded_valkey import free_port
from local.subprocesses import BackgroundProcess
from local.worker_processes import command, wait_for_log
from samples.image_set import render_many
from shared.contract.names import READY_EVENT
from tests.system.operations.test_operating import served_artefacts
from tests.system.support.polling import eventually, fetch_page
from tests.system.support.stack import ServiceStack, assert_complete

pytestmark = pytest.mark.system

IMAGES = 240


class Service:
    """Two worker processes on a stack."""

    def __init__(self, stack: ServiceStack, **environment: str) -> None:
        self.port = free_port()
        self.liveness_file = stack.home / "liveness"
        self.process = BackgroundProcess(
            [*command("melanoma-worker"), "--processes", "2"],
            log=stack.home / "service.log",
            environment={
                "REDIS_URL": stack.broker.url,
                "MELANOMA_ARTEFACT": str(stack.home / "artefact"),
                "MELANOMA_METRICS_PORT": str(self.port),
                "MELANOMA_LIVENESS_FILE": str(self.liveness_file),
                **environment,
            },
        )

    def workers(self) -> list[psutil.Process]:
        children: list[psutil.Process] = psutil.Process(self.process.pid).children()
        return children

    def ready_count(self) -> int:
        return self.process.log.read_text(errors="replace").count(READY_EVENT)

    def metric(self, name: str) -> float:
        page = fetch_page(f"http://127.0.0.1:{self.port}/metrics") or ""
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", page, re.MULTILINE))


@pytest.fixture
def service(stack: ServiceStack) -> Iterator[Service]:
    service = Service(stack)
    with service.process:
        eventually(lambda: service.ready_count() == 2)
        yield service


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    render_many(folder, IMAGES, size=(320, 240), seed=3)
    return folder


def test_processes_are_one_service(stack: ServiceStack, service: Service, photographs: Path) -> None:
    eventually(service.liveness_file.exists)
    eventually(lambda: len(served_artefacts(stack)) == 2)
    eventually(lambda: service.metric("melanoma_worker_processes") == 2)
    victim, other = service.workers()
    submission = stack.submit(photographs)
    submission.wait_for_rows(IMAGES // 4)
    victim.kill()
    assert submission.finish() == 0
    assert_complete(submission.rows(), IMAGES)
    assert other in service.workers(), "the restart of one leaves the others alone"
    eventually(lambda: service.ready_count() == 3)
    assert IMAGES - 40 <= service.metric("melanoma_decisions_total") <= IMAGES, "what the killed process counted stays"
    workers = service.workers()
    service.process.stop()
    assert service.process.returncode == 0
    assert not any(worker.is_running() for worker in workers)
    assert service.process.log.read_text(errors="replace").count('"stopped"') == 2, "both have drained"
    assert stack.client.zcard("melanoma:claimed") == 0


def test_processes_of_a_killed_supervisor_drain(service: Service) -> None:
    workers = service.workers()
    service.process.kill()
    _, alive = psutil.wait_procs(workers, timeout=60)
    # Where init does not reap, a process that has ended stays as a zombie.
    assert all(worker.status() == psutil.STATUS_ZOMBIE for worker in alive)


def test_misconfigured_processes_stop_with_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [*command("melanoma-worker"), "--processes", "2"],
        env={**os.environ, "MELANOMA_ARTEFACT": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("melanoma-worker: ") == 1


def test_a_process_that_is_misconfigured_stops_all(stack: ServiceStack) -> None:
    """The ledger is of another release, which only the workers themselves see."""
    stack.client.set("melanoma:version", 99)
    service = Service(stack)
    with service.process:
        assert service.process.wait(60) == 2
    assert "needs version" in service.process.log.read_text()


def test_log_says_how_many_processes_share_the_cores(service: Service) -> None:
    wait_for_log("starting worker processes", service.process, "service")
    (line,) = [line for line in service.process.log.read_text().splitlines() if "starting worker processes" in line]
    assert '"processes": 2' in line
    assert '"cores_each": ' in line
