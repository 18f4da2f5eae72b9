"""A worker that cannot work exits with one sentence that says why. While Redis is unavailable it waits."""

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redis import Redis

from local.embedded_valkey import EmbeddedValkey
from local.worker_processes import command, start_worker, wait_until_ready
from runtimes.known_answers import read_known_answers, write_known_answers
from shared.contract.names import LEDGER_VERSION, READY_EVENT
from shared.model.artefact import KNOWN_ANSWERS_NAME, hash_file
from tests.system.support.polling import eventually
from tests.system.support.scripted_runtime import FAILS_WHILE_WARMING, LOADING, LOADS_SLOWLY, ScriptedRuntime
from tests.system.support.stack import SHIPPED_ARTEFACT

pytestmark = pytest.mark.system


def run_worker(
    redis_url: str, artefact: Path = SHIPPED_ARTEFACT, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("melanoma-worker"),
        env={
            "REDIS_URL": redis_url,
            "MELANOMA_ARTEFACT": str(artefact),
            "PATH": "/usr/bin:/bin",
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def error_lines(text: str) -> list[str]:
    """Error lines of our own code. TensorFlow writes to stderr, too."""
    return [line for line in text.splitlines() if line.startswith("melanoma-worker:")]


def assert_exits_with_one_sentence(result: subprocess.CompletedProcess[str], part: str) -> None:
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    errors = error_lines(result.stderr)
    assert len(errors) == 1, result.stderr
    assert part in errors[0]


def edit(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def apply(artefact: Path) -> None:
        manifest = json.loads((artefact / "model.json").read_text())
        change(manifest)
        (artefact / "model.json").write_text(json.dumps(manifest))

    return apply


def flip_a_bit(artefact: Path) -> None:
    data = bytearray((artefact / "model.pb").read_bytes())
    data[len(data) // 2] ^= 1
    (artefact / "model.pb").write_bytes(data)


def replace_graph(artefact: Path) -> None:
    """Replace the graph by garbage, and its hash in model.json accordingly."""
    (artefact / "model.pb").write_bytes(b"this is no graph")
    stored = hash_file(artefact / "model.pb").model_dump()
    edit(lambda manifest: manifest["files"].update({"model.pb": stored}))(artefact)


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (flip_a_bit, "model.pb is not the file"),
        (lambda artefact: (artefact / "model.pb").unlink(), "model.pb cannot be read"),
        (lambda artefact: (artefact / "model.json").unlink(), "model.json cannot be read"),
        (lambda artefact: (artefact / "model.json").write_text("{"), "not a valid manifest"),
        (edit(lambda manifest: manifest.update(artefact_version=99)), "artefact version 99"),
        (edit(lambda manifest: manifest["picture"].update(size=128)), "takes uint8"),
        (edit(lambda manifest: manifest["labels"].pop()), "labels"),
        (replace_graph, "not a graph"),
    ],
)
def test_broken_artefact_stops_the_worker(
    tmp_path: Path, redis_url: str, damage: Callable[[Path], None], part: str
) -> None:
    artefact = tmp_path / "artefact"
    shutil.copytree(SHIPPED_ARTEFACT, artefact)
    damage(artefact)
    assert_exits_with_one_sentence(run_worker(redis_url, artefact), part)


def test_worker_whose_runtime_answers_otherwise_than_the_reference_does_not_start(
    tmp_path: Path, redis_url: str
) -> None:
    """The known answers are changed instead of the runtime: to the worker it is the same."""
    artefact = tmp_path / "artefact"
    shutil.copytree(SHIPPED_ARTEFACT, artefact)
    path = artefact / KNOWN_ANSWERS_NAME
    known = read_known_answers(path)
    known.outputs.probabilities[2] = np.roll(known.outputs.probabilities[2], 1)
    write_known_answers(path, known)
    edit(lambda manifest: manifest["files"].update({path.name: hash_file(path).model_dump()}))(artefact)
    expected = np.abs(np.diff(known.outputs.probabilities[2], prepend=known.outputs.probabilities[2][-1])).max()
    assert_exits_with_one_sentence(
        # In mixed precision the last digit of the difference is another one.
        run_worker(redis_url, artefact, {"MELANOMA_PRECISION": "float32"}),
        f"openvino on CPU:0 gives other answers than the reference: the known answers of lite0@3 differ by up to"
        f" {expected:.3g} in probabilities, and 0.03 is allowed",
    )


def test_artefact_that_fails_while_it_warms_up_stops_the_worker(tmp_path: Path, redis_url: str) -> None:
    runtime = ScriptedRuntime(tmp_path / "runtime")
    runtime.begin(FAILS_WHILE_WARMING)
    result = run_worker(redis_url, environment=runtime.environment)
    assert result.returncode == 2, result.stderr
    (sentence,) = error_lines(result.stderr)
    assert "fails while it is loaded (RuntimeError: the device has no memory left)" in sentence


def test_stop_while_the_artefact_is_loaded_ends_the_worker(tmp_path: Path, redis_url: str) -> None:
    runtime = ScriptedRuntime(tmp_path / "runtime")
    runtime.begin(LOADS_SLOWLY)
    with start_worker(tmp_path / "worker.log", {"REDIS_URL": redis_url, **runtime.environment}) as worker:
        eventually(lambda: runtime.is_set(LOADING))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0, worker.log.read_text()
        assert READY_EVENT not in worker.log.read_text()


def test_stop_while_redis_is_unavailable_ends_the_worker(tmp_path: Path) -> None:
    """At the start, and where only the broker's connection waits."""
    broker = EmbeddedValkey(tmp_path / "valkey")
    runtime = ScriptedRuntime(tmp_path / "runtime")
    environment = {"REDIS_URL": broker.url, **runtime.environment}
    with start_worker(tmp_path / "first.log", environment) as worker:
        eventually(lambda: "Redis is unavailable" in worker.log.read_text())
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0, worker.log.read_text()
    with start_worker(tmp_path / "second.log", environment) as worker:
        with broker:
            wait_until_ready(worker)
        eventually(lambda: "retrying" in worker.log.read_text())
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(40) == 0, worker.log.read_text()


def test_wrong_password_stops_the_worker(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path, password="right") as broker:
        result = run_worker(broker.url.replace("right", "wrong"))
        assert_exits_with_one_sentence(result, "refuses the user or password")
        assert "wrong" not in result.stderr.replace("wrong number", "")


def test_invalid_setting_stops_the_worker() -> None:
    result = subprocess.run(
        command("melanoma-worker"),
        env={"MELANOMA_MAX_BATCH_SIZE": "many", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert_exits_with_one_sentence(result, "MELANOMA_MAX_BATCH_SIZE")


@pytest.mark.parametrize(
    "arguments",
    [["melanoma-worker"], ["melanoma-bot"], ["melanoma-submit", "."], ["melanoma-ops", "status"]],
    ids=["worker", "bot", "bulk", "ops"],
)
def test_ledger_of_another_version_stops_each_process_at_start(
    tmp_path: Path, redis_url: str, arguments: list[str]
) -> None:
    with Redis.from_url(redis_url) as client:
        client.set("melanoma:version", LEDGER_VERSION + 1)
    result = subprocess.run(
        [*command(arguments[0]), *arguments[1:]],
        env={
            "REDIS_URL": redis_url,
            "MELANOMA_ARTEFACT": str(SHIPPED_ARTEFACT.resolve()),
            "BOT_TOKEN": "123:secret",
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path.cwd()),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    (sentence,) = [line for line in result.stderr.splitlines() if line.startswith(f"{arguments[0]}:")]
    assert f"has version {LEDGER_VERSION + 1}, but this release needs version {LEDGER_VERSION}" in sentence


def test_worker_waits_for_unavailable_redis_at_start(tmp_path: Path) -> None:
    broker = EmbeddedValkey(tmp_path / "valkey")
    with start_worker(tmp_path / "worker.log", {"REDIS_URL": broker.url}) as worker:
        eventually(lambda: "Redis is unavailable" in worker.log.read_text())
        assert READY_EVENT not in worker.log.read_text()
        with broker:
            wait_until_ready(worker)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
