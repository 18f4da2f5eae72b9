"""Finds retired terms in tracked files: `python -m checks.terms`. `make lint` runs it.

The project uses the standard terms of its field (docs/glossary.md). Earlier versions had terms of their own, which are
listed here. A line that needs one of them in its ordinary sense must be reworded.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

#: Retired term (a regular expression, matched without regard to case) and what to write instead.
RETIRED: Final = {
    r"door_?bells?": "task publisher, message",
    r"\brung\b|\bring_?(s|ing|outbox|grace)?\b(?! (buffer|of))": "publish a message",
    r"\bbell(s|_key)?\b": "signal of an outbox",
    r"patience": "RedisRetry, retry",
    r"\bkeepers?\b": "heartbeat thread",
    r"\binsist\w*": "retry",
    r"(?-i:\bTogether\b)": "Coalescer",
    r"urgen\w+": "priority, interactive",
    r"\bhaste\b|in_haste": "low latency",
    r"\bdeeds?\b": "user action",
    r"\bsendings\b": "user content",
    r"\btally\b|\btallies\b": "run statistics",
    r"\bthumbs\b": "thumbnails",
    r"\bhouses?\b": "service, stack",
    r"\brooms?\b": "component, package, capacity, space",
    r"\bin[ _]hand\b": "in flight, current",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bwhoever\b": "a noun",
    r"\bstand[- ]ins?\b|\bstands? in for\b|standin": "simulator",
    r"\bpulse\b|\bpulse_": "liveness file",
    r"\bpacer\b": "rate limiter",
    r"\bservings\b": "LoadedModel, ModelManager",
    r"\bcrowds?\b": "simulated users, load",
    r"\bspine\b": "pipeline, path",
    r"\btold to stop\b": "draining, asked to stop",
    r"\bgives? back\b|\bgiv(en|ing) back\b|give_back": "release",
    r"redis is (away|back)": "Redis is unavailable, Redis is available again",
    r"\blikeness\b": "similarity",
    r"\bkept[ _]prints\b": "fingerprint cache",
}

#: Files that are not checked: the changelog, pinned files, and this list with its test.
EXEMPT: Final = re.compile(
    r"CHANGELOG\.md|LICENSE|(deploy/requirements/.*|requirements)\.txt|\.secrets\.baseline|models/.*"
    # The text of a rendered letter.
    r"|samples/scenes\.py"
    r"|checks/terms\.py|tests/checks/test_terms\.py"
)

_TEXT: Final = {"", ".py", ".md", ".lua", ".toml", ".yml", ".yaml", ".json", ".js", ".css", ".html", ".j2", ".ftl"} | {
    ".txt",
    ".sh",
    ".c",
    ".env",
    ".conf",
    ".example",
}

_PATTERN: Final = re.compile("|".join(f"(?P<t{index}>{term})" for index, term in enumerate(RETIRED)), re.IGNORECASE)


def find_retired_terms(name: str, text: str) -> Iterator[str]:
    """Yield `name:line: 'term' (write: ...)` for each retired term in `text`, and in the path `name` (line 0)."""
    for number, line in enumerate([name, *text.splitlines()]):
        for match in _PATTERN.finditer(line):
            replacement = list(RETIRED.values())[int(str(match.lastgroup)[1:])] if match.lastgroup else ""
            yield f"{name}:{number}: {match[0]!r} (write: {replacement})"


def check(names: Iterable[str]) -> list[str]:
    """Return the findings in the files `names`, which are paths below the working directory."""
    findings: list[str] = []
    for name in names:
        path = Path(name)
        if path.suffix not in _TEXT or EXEMPT.fullmatch(name) or not path.is_file():
            continue
        findings += find_retired_terms(name, path.read_text(encoding="utf-8", errors="replace"))
    return findings


def main() -> None:
    """Check all files that git tracks. Exits with 1 if there are findings."""
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)  # noqa: S607 - git is on PATH
    findings = check(listed.stdout.splitlines())
    print("\n".join(findings))
    if findings:
        print(f"{len(findings)} retired terms: docs/glossary.md has the terms to use.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
