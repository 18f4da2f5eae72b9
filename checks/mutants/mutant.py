"""A changed source file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """A source file with one change.

    Attributes:
        line: Line of the change in the original, from 1.
        description: What was changed, with the number of its kind on the line from the second on.
        source: The whole file after the change.
    """

    line: int
    description: str
    source: str
