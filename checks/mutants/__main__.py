"""The command of `make mutants`."""

import argparse
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from checks.mutants import lua, python
from checks.mutants.coverage_map import CoverageMap, measure
from checks.mutants.equivalent import read_equivalent
from checks.mutants.forked_tests import ForkedTests
from checks.mutants.mutant import Mutant
from checks.mutants.targets import SelectionError, Target, select_targets
from checks.mutants.working_copy import copy_repository, mutated

#: A mutant that makes the tests this many times slower than the unchanged code counts as noticed.
_SLOWDOWN: Final = 5
_SHORTEST_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A mutant and where it belongs."""

    target: Target
    mutant: Mutant
    line: str

    @property
    def key(self) -> tuple[str, str, str]:
        return str(self.target.path), self.line.strip(), self.mutant.description


def main() -> int:
    """Run the mutants of the command line.

    Returns:
        The exit code: 0 if the share of killed mutants is reached, 1 if it is not, 2 for wrong arguments.
    """
    parser = argparse.ArgumentParser(prog="make mutants", description="Find changes of the code that no test notices.")
    parser.add_argument("files", nargs="*", metavar="FILE|RANGE", help="files, folders or a range of commits (main..)")
    parser.add_argument("--sample", type=int, metavar="N", help="run N of the mutants, the same ones each time")
    parser.add_argument("--seed", default="", help="another sample")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time")
    parser.add_argument("--minimum", type=float, default=0.0, metavar="PERCENT", help="fail below this share killed")
    options = parser.parse_args()
    root = Path.cwd()
    try:
        targets = select_targets(root, options.files)
        equivalent = read_equivalent(Path(__file__).with_name("equivalent.toml"))
    except (SelectionError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    every = [candidate for target in targets for candidate in _candidates(root, target)]
    stale = equivalent.stale(
        candidate.key for target in targets for candidate in _candidates(root, target, all_lines=True)
    )
    for entry in stale:
        print(f"equivalent.toml: no such mutant any more: {entry}", file=sys.stderr)
    candidates = [candidate for candidate in every if candidate.key not in equivalent]
    if options.sample is not None:
        candidates = sorted(candidates, key=lambda candidate: _rank(candidate, options.seed))[: options.sample]
    survivors = _run(root, candidates, options.jobs)
    share = _report(candidates, survivors, len(every))
    return int(share < options.minimum or bool(stale))


def _candidates(root: Path, target: Target, *, all_lines: bool = False) -> Iterator[_Candidate]:
    source = (root / target.path).read_text()
    lines = source.splitlines()
    make = lua.mutants if target.path.suffix == ".lua" else python.mutants
    for mutant in make(source):
        if all_lines or target.lines is None or mutant.line in target.lines:
            yield _Candidate(target, mutant, lines[mutant.line - 1])


def _rank(candidate: _Candidate, seed: str) -> str:
    """Position in a random order that does not depend on the other mutants, so that samples stay comparable."""
    return hashlib.sha256("\0".join([seed, *candidate.key]).encode()).hexdigest()


def _run(root: Path, candidates: Sequence[_Candidate], jobs: int) -> dict[_Candidate, str]:
    """Run the tests on each mutant. Returns the survivors, each with what is known about it."""
    survivors: dict[_Candidate, str] = {}
    tests = sorted({test for candidate in candidates for test in candidate.target.tests})
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory, ExitStack() as processes:
        copies = [Path(directory) / str(number) for number in range(max(1, min(jobs, len(candidates))))]
        for copy in copies:
            copy_repository(root, copy)
        coverage = measure(copies[0], tests, Path(directory) / "coverage.json")
        for test in coverage.failed:
            print(f"left out, since it fails or is skipped without any change: {test}", file=sys.stderr)
        free: SimpleQueue[tuple[Path, ForkedTests]] = SimpleQueue()
        for copy in copies:
            forked = processes.enter_context(ForkedTests(copy, coverage.modules))
            if not forked.passes_unchanged(list(coverage.durations)):
                raise SystemExit("the tests fail without any change, if pytest runs in a fork")
            free.put((copy, forked))

        def run_one(candidate: _Candidate) -> None:
            copy, forked = free.get()
            try:
                verdict = _verdict(candidate, copy, forked, coverage)
            finally:
                free.put((copy, forked))
            if verdict:
                survivors[candidate] = verdict
            print("s" if verdict else ".", end="", flush=True, file=sys.stderr)

        with ThreadPoolExecutor(len(copies)) as pool:
            list(pool.map(run_one, candidates))
    print(file=sys.stderr)
    return survivors


def _verdict(candidate: _Candidate, copy: Path, forked: ForkedTests, coverage: CoverageMap) -> str:
    """Empty if a test notices the mutant, otherwise how many tests ran it."""
    path = copy / candidate.target.path
    tests = coverage.tests_of(candidate.target.path, path.read_text(), candidate.mutant.line)
    if not tests:
        return "no test runs this line"
    with mutated(path, candidate.mutant.source):
        return f"{len(tests)} tests pass" if forked.passes(tests, _timeout_s(coverage, tests)) else ""


def _timeout_s(coverage: CoverageMap, tests: Iterable[str]) -> float:
    return max(_SHORTEST_TIMEOUT_S, _SLOWDOWN * sum(coverage.durations[test] for test in tests))


def _report(candidates: Sequence[_Candidate], survivors: dict[_Candidate, str], every: int) -> float:
    """Print the survivors by file, and the share of killed mutants by file and in all, which is returned."""
    for path in sorted({candidate.target.path for candidate in candidates}):
        of_file = [candidate for candidate in candidates if candidate.target.path == path]
        surviving = sorted(
            (found for found in survivors if found.target.path == path), key=lambda found: found.mutant.line
        )
        killed = len(of_file) - len(surviving)
        print(f"{path}: {killed} of {len(of_file)} killed ({100 * killed / len(of_file):.0f} %)")
        for found in surviving:
            print(f"  {found.mutant.line}: {found.mutant.description} ({survivors[found]})\n      {found.line.strip()}")
    share = 100 * (len(candidates) - len(survivors)) / len(candidates) if candidates else 100.0
    print(f"{len(candidates) - len(survivors)} of {len(candidates)} mutants killed ({share:.1f} %), {every} in all")
    return share


if __name__ == "__main__":
    sys.exit(main())
