"""The map from lines and scripts to the tests that run them."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from checks.mutants.coverage_plugin import OUTPUT_VARIABLE
from checks.mutants.working_copy import environment_of

#: The tests of `make test-fast`, as an expression of pytest's markers.
_FAST: Final = "not system and not slow and not long"


@dataclass(frozen=True, slots=True)
class CoverageMap:
    """Tests by the lines and the scripts that they run.

    Attributes:
        durations: Seconds of each test that passes on the unchanged code.
        failed: Tests that fail or are skipped there.
        lines: Tests by file and line.
        scripts: Tests by the whole text of a Lua script.
        modules: Modules of libraries that the tests import.
    """

    durations: dict[str, float]
    failed: list[str]
    lines: dict[str, dict[str, list[str]]]
    scripts: dict[str, list[str]]
    modules: list[str]

    def tests_of(self, path: Path, text: str, line: int) -> list[str]:
        """Tests that execute the statement at a line, the quickest first.

        A line at the top of a module runs at its import. There, each test counts that runs any line of the module.
        """
        if path.suffix == ".lua":
            # The ledger puts a prelude between the header of a script and the rest.
            body = text.partition("\n")[2] if text.startswith("#!") else text
            found = {test for script, tests in self.scripts.items() if body.strip() in script for test in tests}
            return self._quickest_first(found)
        by_line = self.lines.get(str(path), {})
        tests = {test for number in _statement(text, line) for test in by_line.get(str(number), ())}
        if "" in tests:
            tests = {test for known in by_line.values() for test in known}
        return self._quickest_first(tests)

    def _quickest_first(self, tests: Iterable[str]) -> list[str]:
        return sorted((test for test in tests if test in self.durations), key=lambda test: self.durations[test])


def _statement(source: str, line: int) -> range:
    """Lines of the innermost statement at a line, without the statements in it."""
    around = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    if not around:
        return range(line, line + 1)
    innermost = max(around, key=lambda node: node.lineno)
    body = getattr(innermost, "body", None)
    end = body[0].lineno - 1 if body else innermost.end_lineno or innermost.lineno
    return range(innermost.lineno, max(end, innermost.lineno) + 1)


def measure(root: Path, tests: Sequence[str], output: Path) -> CoverageMap:
    """Run the fast ones of `tests` on the unchanged code in `root`.

    Raises:
        RuntimeError: pytest could not run. The message holds the end of its output.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "checks.mutants.coverage_plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(  # noqa: S603 - our own command line
        [*command, "-m", _FAST, *tests],
        cwd=root,
        env={**environment_of(root), OUTPUT_VARIABLE: str(output)},
        capture_output=True,
        text=True,
        check=False,
    )
    if not output.exists():
        raise RuntimeError(f"the tests of the unchanged code did not run:\n{(done.stdout + done.stderr)[-3000:]}")
    recorded = json.loads(output.read_text())
    failed = set(recorded["failed"])
    recorded["durations"] = {test: seconds for test, seconds in recorded["durations"].items() if test not in failed}
    return CoverageMap(**recorded)
