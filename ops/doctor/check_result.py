"""What the doctor says of one thing that it looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. Only `WRONG` stops the service or loses something."""

    GOOD = "good"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`what` was found `where`, and how to `mend` it; empty where nothing is to mend."""

    level: Level
    where: str
    what: str
    remedy: str = ""


def good(where: str, what: str) -> CheckResult:
    """All is well."""
    return CheckResult(Level.GOOD, where, what)


def note(where: str, what: str, mend: str) -> CheckResult:
    """It works, but an operator should know."""
    return CheckResult(Level.NOTE, where, what, mend)


def wrong(where: str, what: str, mend: str) -> CheckResult:
    """It does not work, or something may be lost."""
    return CheckResult(Level.WRONG, where, what, mend)
