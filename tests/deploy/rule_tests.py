"""Runs unit tests of the shipped alerts with promtool."""

import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.deploy.deployment import ROOT

_RULES: Final = [str(ROOT / f"deploy/prometheus/{name}.yml") for name in ("scores", "alerts")]


def check_rules(directory: Path, tests: list[dict[str, Any]], *, interval: str = "1m") -> None:
    """Fail unless promtool finds that all `tests` hold. Rules are evaluated each `interval`."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is missing (Debian's package prometheus)")
    file = directory / "case.yml"
    file.write_text(yaml.safe_dump({"rule_files": _RULES, "evaluation_interval": interval, "tests": tests}))
    result = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
