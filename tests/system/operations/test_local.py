"""`make demo` and `make up` start everything, show it and stop."""

import json
import os
import signal
import subprocess
from contextlib import nullcontext
from pathlib import Path

import psutil
import pytest

from local.embedded_valkey import EmbeddedValkey, free_port, is_port_free
from local.subprocesses import BackgroundProcess
from local.worker_processes import command
from samples.image_set import render_many
from tests.system.support.polling import eventually, fetch_page

pytestmark = pytest.mark.system


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of `make up` and `make demo`. Tests of this module may run at the same time, each with its own port."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("MELANOMA_FLOWER_PORT", str(free_port()))


def children_of(pid: int) -> list[psutil.Process]:
    return list(psutil.Process(pid).children(recursive=True))


def _belongs_to(process: psutil.Process, test_id: str) -> bool:
    try:
        return bool(process.environ().get("DEMO_TEST_ID") == test_id)
    except psutil.Error:
        return False


@pytest.mark.usefixtures("environment")
def test_demo_shows_verdicts_and_leaves_no_process_behind(tmp_path: Path) -> None:
    out = tmp_path / "demo-out"
    result = subprocess.run(
        [*command("melanoma-local"), "demo", "--out", str(out)],
        # All processes that it starts inherit this variable. Processes of other tests do not have it.
        env={**os.environ, "DEMO_TEST_ID": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    rows = [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 24
    assert {row["kind"] for row in rows} <= {"verdict", "refusal"}
    assert (out / "results.csv").exists()
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "rendered" in report, "the page must say that its images are rendered"
    assert "http://" not in report.replace("http://www.w3.org", ""), "the page must not need the network"
    assert "p50" in result.stdout
    left = [process.cmdline() for process in psutil.process_iter() if _belongs_to(process, str(tmp_path))]
    assert left == []


@pytest.mark.usefixtures("environment")
def test_demo_accepts_a_folder_of_the_user(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    render_many(folder, 3, size=(320, 240), seed=5)
    result = subprocess.run(
        [*command("melanoma-local"), "demo", str(folder), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / "out" / "results.jsonl").read_text().count("\n") == 3


@pytest.mark.usefixtures("environment")
def test_up_uses_the_configured_redis_and_stops_cleanly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddedValkey(tmp_path / "valkey") as broker:
        monkeypatch.setenv("REDIS_URL", broker.url)
        log = tmp_path / "up.log"
        with BackgroundProcess(
            [*command("melanoma-local"), "up", "--directory", str(tmp_path / "local")], log=log
        ) as up:
            flower = f"http://127.0.0.1:{os.environ['MELANOMA_FLOWER_PORT']}"
            workers = f"{flower}/workers"
            eventually(lambda: "worker-" in (fetch_page(workers) or ""))
            running = children_of(up.pid)
            assert not any("valkey-server" in " ".join(process.cmdline()) for process in running)
            assert f"Flower   {flower}" in log.read_text()
            # A terminal sends this signal on Ctrl-C.
            up.send_signal(signal.SIGINT)
            assert up.wait(40) == 0
            assert not any(process.is_running() for process in running)


def test_up_reports_a_port_in_use(tmp_path: Path) -> None:
    # If the port is in use already, no server is needed.
    with EmbeddedValkey(tmp_path / "valkey", port=6379) if is_port_free(6379) else nullcontext():
        result = subprocess.run(
            [*command("melanoma-local"), "up", "--directory", str(tmp_path / "local")],
            env={key: value for key, value in os.environ.items() if key != "REDIS_URL"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert result.returncode == 2
    assert "6379 is taken" in result.stderr
