"""An operator at work on running workers: another artefact and back, a paused queue, a worker drained. Nothing lost."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from shared.model.artefact import read_artefact, write_manifest
from tests.system.polling import eventually
from tests.system.stack import House, assert_complete

pytestmark = pytest.mark.system

PICTURES = 2000


def ops(house: House, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ops", *arguments],
        env={"REDIS_URL": house.broker.url, "MELANOMA_ARTEFACT": str(house.home / "artefact"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def status(house: House) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ops(house, "status", "--json"))
    return found


def served(house: House) -> list[str]:
    return [one["artefact"] for one in status(house)["processes"] if one.get("artefact")]


def another(house: House) -> Path:
    copy = Path(shutil.copytree(house.home / "artefact", house.home / "another"))
    write_manifest(copy, read_artefact(copy).model_copy(update={"version": "next"}))
    return copy


def artefacts_of(rows: Sequence[dict[str, Any]]) -> set[str]:
    return {row["artefact"].rpartition("@")[2] for row in rows}


def test_workers_move_to_another_artefact_and_back_under_load(house: House, folder: Path) -> None:
    house.start_worker()
    new = another(house)
    submission = house.submit(folder)
    submission.wait_for(50)
    said = ops(house, "switch", str(new))
    assert "All workers serve" in said
    submission.wait_for(submission.count() + 200)
    assert {row["artefact"].rpartition("@")[2] for row in submission.rows()[-20:]} == {"next"}
    ops(house, "switch", "--back")
    assert submission.finish() == 0, submission.said()
    assert_complete(submission.rows(), PICTURES)
    assert len(artefacts_of(submission.rows())) == 2
    assert {name.rpartition("@")[2] for name in served(house)} == {read_artefact(house.home / "artefact").version}


def test_an_artefact_that_the_worker_refuses_changes_nothing(house: House) -> None:
    house.start_worker()
    before = eventually(lambda: served(house))
    broken = another(house)
    manifest = json.loads((broken / "model.json").read_text())
    manifest["picture"]["size"] = 128
    (broken / "model.json").write_text(json.dumps(manifest))
    said = ops(house, "switch", str(broken), code=1)
    assert "takes uint8" in said
    assert "switch --back" in said
    assert served(house) == before
    ops(house, "switch", "--back")


def test_a_paused_queue_waits_and_goes_on(house: House, folder: Path) -> None:
    house.start_worker()
    ops(house, "pause", "bulk")
    submission = house.submit(folder)
    eventually(lambda: status(house)["queues"]["bulk"]["ready"] >= 256)
    assert submission.count() == 0
    ops(house, "resume", "bulk")
    assert submission.finish() == 0, submission.said()
    assert_complete(submission.rows(), PICTURES)


def test_one_worker_is_drained_and_the_other_goes_on(house: House, folder: Path) -> None:
    first, second = house.start_worker(), house.start_worker()
    submission = house.submit(folder)
    submission.wait_for(50)
    name = next(one["incarnation"] for one in status(house)["processes"] if one["role"] == "worker")
    assert "has ended" in ops(house, "drain", name)
    assert sorted([first.returncode, second.returncode], key=str) == [0, None]
    assert submission.finish() == 0, submission.said()
    assert_complete(submission.rows(), PICTURES)
