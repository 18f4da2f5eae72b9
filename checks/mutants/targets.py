"""The files that are mutated, and the tests that may notice a change of each."""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Files by glob, and the tests that may notice a change of them. Of these tests, only those run that execute the line.
_TESTS: Final[Mapping[str, tuple[str, ...]]] = {
    "shared/model/decision_rules.py": ("tests/shared/model", "tests/worker"),
    "shared/ledger/*.py": ("tests/shared/ledger", "tests/ops"),
    "shared/ledger/scripts/*.lua": ("tests/shared/ledger", "tests/ops"),
    "shared/image_store/scripts/*.lua": ("tests/shared/image_store",),
    "shared/broker/*.py": ("tests/shared/broker", "tests/worker"),
    "worker/batching/*.py": ("tests/worker",),
    "worker/consumer/*.py": ("tests/worker",),
    "worker/serving/*.py": ("tests/worker",),
    "bot/background/*.py": ("tests/bot",),
    "bot/handlers/*.py": ("tests/bot",),
    "bot/services/*.py": ("tests/bot",),
    "bot/storage/**/*.py": ("tests/bot",),
    "bot/telegram/*.py": ("tests/bot",),
    "bot/scripts/*.lua": ("tests/bot",),
    "bulk/submission/*.py": ("tests/bulk",),
    "bulk/run/*.py": ("tests/bulk",),
    "bulk/results/*.py": ("tests/bulk",),
    "training/calibration/*.py": ("tests/training/calibration",),
}

_HUNK: Final = re.compile(r"^@@ -\S+ \+(?P<first>\d+)(?:,(?P<count>\d+))? @@")


class SelectionError(Exception):
    """Raised for a file or a range that cannot be used. The message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A file to mutate.

    Attributes:
        path: Its path below the root of the repository.
        tests: Paths of the tests that may notice a change.
        lines: Lines to mutate, or None for all.
    """

    path: Path
    tests: tuple[str, ...]
    lines: frozenset[int] | None = None


def select_targets(root: Path, arguments: Sequence[str]) -> list[Target]:
    """Targets of the command line: all for no arguments.

    Args:
        root: Root of the repository.
        arguments: Files, folders, and ranges of commits such as `main..` that end at the checked-out commit.

    Raises:
        SelectionError: An argument names no file that is mutated, or a range ends elsewhere.
    """
    known = {target.path: target for target in _all_targets(root)}
    if not arguments:
        return list(known.values())
    chosen: dict[Path, Target] = {}
    for argument in arguments:
        if ".." in argument:
            for path, lines in _changed_lines(root, argument).items():
                if path in known:
                    chosen[path] = Target(path, known[path].tests, lines)
        else:
            below = {path: target for path, target in known.items() if path.is_relative_to(argument)}
            if not below:
                raise SelectionError(f"{argument}: not one of the files in checks/mutants/targets.py, nor a range A..")
            chosen |= below
    return list(chosen.values())


def _all_targets(root: Path) -> Iterator[Target]:
    for pattern, tests in _TESTS.items():
        for path in sorted(root.glob(pattern)):
            if path.name != "__init__.py":
                yield Target(path.relative_to(root), tuple(test for test in tests if (root / test).exists()))


def _changed_lines(root: Path, commits: str) -> dict[Path, frozenset[int]]:
    """Lines that changed since the start of a range, in the files as they are now."""
    start, _, end = commits.partition("..")
    if end and _git(root, "rev-parse", end) != _git(root, "rev-parse", "HEAD"):
        raise SelectionError(f"{commits}: a range must end at the checked-out commit. Check out {end} first.")
    lines: dict[Path, set[int]] = {}
    path = Path()
    for line in _git(root, "diff", "--unified=0", "--no-ext-diff", start).splitlines():
        if line.startswith("+++ "):
            path = Path(line.removeprefix("+++ ").removeprefix("b/"))
        elif hunk := _HUNK.match(line):
            first = int(hunk["first"])
            lines.setdefault(path, set()).update(range(first, first + int(hunk["count"] or 1)))
    return {path: frozenset(numbers) for path, numbers in lines.items()}


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode:
        raise SelectionError(done.stderr.strip())
    return done.stdout.strip()
