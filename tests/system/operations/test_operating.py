"""An operator switches artefacts, pauses queues and drains workers under load. Nothing is lost."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from shared.model.artefact import read_artefact, write_manifest
from tests.system.conftest import link_first
from tests.system.support.polling import eventually
from tests.system.support.stack import ServiceStack, assert_complete

pytestmark = pytest.mark.system

#: Enough that a switch falls into the run: a worker loads the other artefact while it serves.
IMAGES = 2000

#: Enough for a run with a pause or a drain in its middle.
FEW = 600


@pytest.fixture
def few(folder: Path, tmp_path: Path) -> Path:
    linked = tmp_path / "few"
    linked.mkdir()
    return link_first(FEW, folder, linked)


def ops(stack: ServiceStack, *arguments: str, code: int = 0) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "ops", *arguments],
        env={"REDIS_URL": stack.broker.url, "MELANOMA_ARTEFACT": str(stack.home / "artefact"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout + result.stderr


def status(stack: ServiceStack) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(ops(stack, "status", "--json"))
    return result


def served_artefacts(stack: ServiceStack) -> list[str]:
    return [process["artefact"] for process in status(stack)["processes"] if process.get("artefact")]


def copy_as_next_version(stack: ServiceStack, to: Path) -> Path:
    copy = Path(shutil.copytree(stack.home / "artefact", to / "another"))
    write_manifest(copy, read_artefact(copy).model_copy(update={"version": "next"}))
    return copy


def artefact_versions(rows: Sequence[dict[str, Any]]) -> set[str]:
    return {row["artefact"].rpartition("@")[2] for row in rows}


def test_switch_changes_the_artefact_and_back_under_load(
    serving_stack: ServiceStack, folder: Path, tmp_path: Path
) -> None:
    new = copy_as_next_version(serving_stack, tmp_path)
    submission = serving_stack.submit(folder)
    submission.wait_for_rows(50)
    output = ops(serving_stack, "switch", str(new))
    assert "All workers serve" in output
    submission.wait_for_rows(submission.row_count() + 200)
    assert {row["artefact"].rpartition("@")[2] for row in submission.rows()[-20:]} == {"next"}
    ops(serving_stack, "switch", "--back")
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), IMAGES)
    assert len(artefact_versions(submission.rows())) == 2
    assert {name.rpartition("@")[2] for name in served_artefacts(serving_stack)} == {
        read_artefact(serving_stack.home / "artefact").version
    }


def test_refused_artefact_leaves_the_old_one_serving(serving_stack: ServiceStack, tmp_path: Path) -> None:
    before = eventually(lambda: served_artefacts(serving_stack))
    broken = copy_as_next_version(serving_stack, tmp_path)
    manifest = json.loads((broken / "model.json").read_text())
    manifest["picture"]["size"] = 128
    (broken / "model.json").write_text(json.dumps(manifest))
    output = ops(serving_stack, "switch", str(broken), code=1)
    assert "takes uint8" in output
    assert "switch --back" in output
    assert served_artefacts(serving_stack) == before
    ops(serving_stack, "switch", "--back")


def test_paused_queue_waits_until_resumed(serving_stack: ServiceStack, few: Path) -> None:
    ops(serving_stack, "pause", "bulk")
    submission = serving_stack.submit(few)
    eventually(lambda: status(serving_stack)["queues"]["bulk"]["ready"] >= 256)
    assert submission.row_count() == 0
    ops(serving_stack, "resume", "bulk")
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), FEW)


def test_drained_worker_ends_while_the_other_continues(serving_stack: ServiceStack, few: Path) -> None:
    serving_stack.start_worker()
    submission = serving_stack.submit(few)
    submission.wait_for_rows(50)
    before = [worker for worker in serving_stack.workers if worker.returncode is None]
    name = next(process["incarnation"] for process in status(serving_stack)["processes"] if process["role"] == "worker")
    assert "has ended" in ops(serving_stack, "drain", name)
    running = [worker for worker in before if worker.returncode is None]
    assert len(running) == 1
    assert [worker.returncode for worker in before if worker not in running] == [0]
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), FEW)
