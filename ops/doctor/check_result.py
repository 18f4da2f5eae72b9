"""What the doctor says of one thing that it looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. Only `WRONG` stops the service or loses something."""

    OK = "good"
    WARNING = "note"
    PROBLEM = "wrong"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`what` was found `where`, and how to `mend` it; empty where nothing is to mend."""

    level: Level
    subject: str
    message: str
    remedy: str = ""


def ok(subject: str, message: str) -> CheckResult:
    """All is well."""
    return CheckResult(Level.OK, subject, message)


def warning(subject: str, message: str, remedy: str) -> CheckResult:
    """It works, but an operator should know."""
    return CheckResult(Level.WARNING, subject, message, remedy)


def problem(subject: str, message: str, remedy: str) -> CheckResult:
    """It does not work, or something may be lost."""
    return CheckResult(Level.PROBLEM, subject, message, remedy)
