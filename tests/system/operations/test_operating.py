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
from tests.system.support.polling import eventually
from tests.system.support.stack import ServiceStack, assert_complete

pytestmark = pytest.mark.system

IMAGES = 2000


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


def copy_as_next_version(stack: ServiceStack) -> Path:
    copy = Path(shutil.copytree(stack.home / "artefact", stack.home / "another"))
    write_manifest(copy, read_artefact(copy).model_copy(update={"version": "next"}))
    return copy


def artefact_versions(rows: Sequence[dict[str, Any]]) -> set[str]:
    return {row["artefact"].rpartition("@")[2] for row in rows}


def test_switch_changes_the_artefact_and_back_under_load(stack: ServiceStack, folder: Path) -> None:
    stack.start_worker()
    new = copy_as_next_version(stack)
    submission = stack.submit(folder)
    submission.wait_for_rows(50)
    output = ops(stack, "switch", str(new))
    assert "All workers serve" in output
    submission.wait_for_rows(submission.row_count() + 200)
    assert {row["artefact"].rpartition("@")[2] for row in submission.rows()[-20:]} == {"next"}
    ops(stack, "switch", "--back")
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), IMAGES)
    assert len(artefact_versions(submission.rows())) == 2
    assert {name.rpartition("@")[2] for name in served_artefacts(stack)} == {
        read_artefact(stack.home / "artefact").version
    }


def test_refused_artefact_leaves_the_old_one_serving(stack: ServiceStack) -> None:
    stack.start_worker()
    before = eventually(lambda: served_artefacts(stack))
    broken = copy_as_next_version(stack)
    manifest = json.loads((broken / "model.json").read_text())
    manifest["picture"]["size"] = 128
    (broken / "model.json").write_text(json.dumps(manifest))
    output = ops(stack, "switch", str(broken), code=1)
    assert "takes uint8" in output
    assert "switch --back" in output
    assert served_artefacts(stack) == before
    ops(stack, "switch", "--back")


def test_paused_queue_waits_until_resumed(stack: ServiceStack, folder: Path) -> None:
    stack.start_worker()
    ops(stack, "pause", "bulk")
    submission = stack.submit(folder)
    eventually(lambda: status(stack)["queues"]["bulk"]["ready"] >= 256)
    assert submission.row_count() == 0
    ops(stack, "resume", "bulk")
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), IMAGES)


def test_drained_worker_ends_while_the_other_continues(stack: ServiceStack, folder: Path) -> None:
    first, second = stack.start_worker(), stack.start_worker()
    submission = stack.submit(folder)
    submission.wait_for_rows(50)
    name = next(process["incarnation"] for process in status(stack)["processes"] if process["role"] == "worker")
    assert "has ended" in ops(stack, "drain", name)
    assert sorted([first.returncode, second.returncode], key=str) == [0, None]
    assert submission.finish() == 0, submission.output()
    assert_complete(submission.rows(), IMAGES)
