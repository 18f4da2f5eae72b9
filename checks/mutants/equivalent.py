"""The list of equivalent mutants."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A mutant that does the same as the original.

    Attributes:
        file: Path of the file.
        line: Text of the changed line, without the white space around it. A number would be wrong after the next edit.
        changes: Descriptions of the mutants of this line.
        reason: Why they are equivalent.
    """

    file: str
    line: str
    changes: tuple[str, ...]
    reason: str


class EquivalentMutants:
    """Answers whether a mutant is in the list.

    Args:
        entries: Entries of the list.
    """

    def __init__(self, entries: Iterable[Equivalent]) -> None:
        self._entries = tuple(entries)
        self._known = {(entry.file, entry.line, change) for entry in self._entries for change in entry.changes}

    def __contains__(self, mutant: tuple[str, str, str]) -> bool:
        """True if the mutant of this file, line and description is in the list."""
        file, line, description = mutant
        return (file, line.strip(), description) in self._known

    def stale(self, mutants: Iterable[tuple[str, str, str]]) -> list[str]:
        """Entries of the list that match none of all mutants of their file."""
        existing = {(file, line.strip(), description) for file, line, description in mutants}
        files = {file for file, _, _ in existing}
        return [": ".join(key) for key in sorted(self._known) if key[0] in files and key not in existing]


def read_equivalent(path: Path) -> EquivalentMutants:
    """Read the list from a TOML file.

    Raises:
        ValueError: An entry lacks a field or a reason. The message names it.
    """
    entries = []
    for number, entry in enumerate(tomllib.loads(path.read_text()).get("mutant", []), start=1):
        if set(entry) != {"file", "line", "changes", "reason"} or not entry["reason"].strip():
            raise ValueError(f"{path}: mutant {number} needs file, line, changes and reason, and nothing else")
        entries.append(Equivalent(entry["file"], entry["line"].strip(), tuple(entry["changes"]), entry["reason"]))
    return EquivalentMutants(entries)
