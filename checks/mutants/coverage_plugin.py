"""A pytest plugin that records which test executes which line and which Lua script, and how long each test takes."""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from coverage import Coverage
from redis.commands.core import AsyncScript, Script

#: Set to the path of the JSON file to write.
OUTPUT_VARIABLE: Final = "MUTANTS_COVERAGE"

# Started at once, before pytest imports the first module of ours.
_coverage = Coverage(data_file=None, include=[f"{Path.cwd()}/*"], config_file=False)
_coverage.set_option("run:disable_warnings", ["no-data-collected", "module-not-measured", "couldnt-parse"])
_durations: dict[str, float] = defaultdict(float)
_failed: set[str] = set()
_scripts: dict[str, set[str]] = defaultdict(set)
_running = ""


def pytest_load_initial_conftests() -> None:
    """Start to measure, and to record the scripts that are called."""
    for kind in (Script, AsyncScript):
        _record_calls(kind)
    _coverage.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Attribute what runs now to this test."""
    global _running  # noqa: PLW0603 - pytest runs one test at a time
    _running = item.nodeid
    _coverage.switch_context(item.nodeid)
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up the parts of a test's duration."""
    _durations[report.nodeid] += report.duration
    if not report.passed:
        _failed.add(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write what was recorded."""
    _coverage.stop()
    data = _coverage.get_data()
    root = Path.cwd()
    lines = {
        str(Path(file).relative_to(root)): data.contexts_by_lineno(file)
        for file in data.measured_files()
        if Path(file).is_relative_to(root)
    }
    recorded = {
        "durations": _durations,
        "failed": sorted(_failed),
        "lines": lines,
        "scripts": {text: sorted(tests) for text, tests in _scripts.items()},
        "modules": sorted(name for name, module in sys.modules.items() if "site-packages" in str(_file(module))),
    }
    Path(os.environ[OUTPUT_VARIABLE]).write_text(json.dumps(recorded))


def _record_calls(kind: type[Any]) -> None:
    original = kind.__call__

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        text = self.script if isinstance(self.script, str) else self.script.decode()
        _scripts[text].add(_running)
        return original(self, *args, **kwargs)

    kind.__call__ = call


def _file(module: Any) -> str | None:
    return getattr(module, "__file__", None)
