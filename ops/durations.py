"""Formats durations for people."""

from typing import Final

_UNITS: Final = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def format_duration(seconds: float) -> str:
    """Format `seconds` in the unit that fits: `3.2 s`, `4 min`, `2.5 h`."""
    for size_s, unit in _UNITS:
        if seconds >= size_s:
            return f"{seconds / size_s:.3g} {unit}"
    return f"{seconds:.3g} s"
