"""The result of one check."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Severity of a result. Only `PROBLEM` means that the service stops or that something may be lost."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A result. `subject` was checked, `message` describes its state, and `remedy` says what to do (empty for OK)."""

    level: Level
    subject: str
    message: str
    remedy: str = ""


def ok(subject: str, message: str) -> CheckResult:
    """A result without findings."""
    return CheckResult(Level.OK, subject, message)


def warning(subject: str, message: str, remedy: str) -> CheckResult:
    """A result for something that works but that an operator should know."""
    return CheckResult(Level.WARNING, subject, message, remedy)


def problem(subject: str, message: str, remedy: str) -> CheckResult:
    """A result for something that does not work, or through which something may be lost."""
    return CheckResult(Level.PROBLEM, subject, message, remedy)
