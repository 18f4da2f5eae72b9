"""Every script has a call, and its header says whether it may run in a full Redis."""

import re
from pathlib import Path

import pytest

from shared.ledger.script_call import JOBS_PER_MESSAGE, script_source

LEDGER = Path("shared/ledger")
SCRIPTS = sorted(path.stem for path in (LEDGER / "scripts").glob("*.lua") if not path.stem.startswith("_"))

#: Scripts that take in work, which a full Redis must refuse.
TAKING_IN_WORK = {"create_jobs", "replay_dead_letters"}


def test_each_script_is_called_and_each_called_script_exists() -> None:
    calls = "".join((LEDGER / name).read_text(encoding="utf-8") for name in ("transitions.py", "admin.py"))
    assert sorted(set(re.findall(r'ScriptCall\(\s*"(\w+)"', calls))) == SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_source_starts_with_the_flags_of_the_script(script: str) -> None:
    header, constant, clock, *_ = script_source(script).splitlines()
    assert header == ("#!lua" if script in TAKING_IN_WORK else "#!lua flags=allow-oom")
    assert constant == f"local JOBS_PER_MESSAGE = {JOBS_PER_MESSAGE}"
    assert clock.startswith("--")
