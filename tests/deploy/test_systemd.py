"""The unit files of systemd: valid, and consistent with compose and the settings."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from shared.config.settings import Settings
from tests.deploy.deployment import ROOT, services

UNITS: Final = {
    "worker": ROOT / "deploy/systemd/melanoma-worker@.service",
    "bot": ROOT / "deploy/systemd/melanoma-bot.service",
}


def entries(unit: Path) -> list[tuple[str, str]]:
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [(key, value) for key, _, value in (line.partition("=") for line in lines if line[:1] not in ("", "#", "["))]


@pytest.mark.parametrize("name", UNITS)
def test_systemd_accepts_the_unit(tmp_path: Path, name: str) -> None:
    if shutil.which("systemd-analyze") is None:
        if os.environ.get("CI"):
            pytest.fail("systemd-analyze is missing: apt-get install systemd")
        pytest.skip("systemd-analyze is missing")
    unit = tmp_path / UNITS[name].name.replace("@", "@1")
    # The command must exist, so it is the one of this environment.
    commands = str(Path(sys.executable).parent)
    unit.write_text(UNITS[name].read_text(encoding="utf-8").replace("/opt/melanoma/.venv/bin", commands))
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    messages = [line for line in result.stderr.splitlines() if unit.name in line]
    assert (result.returncode, messages) == (0, []), result.stderr


@pytest.mark.parametrize("name", UNITS)
def test_unit_stops_and_limits_the_process_as_compose_does(name: str) -> None:
    unit, service = dict(entries(UNITS[name])), services()[name]
    assert f"{unit['TimeoutStopSec']}s" == service["stop_grace_period"]
    assert unit["MemoryMax"].lower() == service["mem_limit"]
    assert int(unit["TasksMax"]) == service["pids_limit"]
    assert unit["ExecStart"].rpartition("/")[2] == service["command"][0]


@pytest.mark.parametrize("name", UNITS)
def test_each_variable_of_a_unit_is_a_setting_and_its_file_is_loaded(name: str) -> None:
    known = {f"MELANOMA_{field.upper()}" for field in Settings.model_fields} | {"REDIS_URL"}
    credentials = {value.partition(":")[0] for key, value in entries(UNITS[name]) if key == "LoadCredential"}
    for key, value in entries(UNITS[name]):
        if key == "Environment":
            variable, _, path = value.partition("=")
            assert variable.removesuffix("_FILE") in known
            assert not variable.endswith("_FILE") or path.removeprefix("%d/") in credentials
