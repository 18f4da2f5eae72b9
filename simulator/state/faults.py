"""Injects faults: a share of the calls is refused, fails, or loses its connection before or after it took effect."""

import random
from collections.abc import Sequence
from typing import Final

FAULT_KINDS: Final = ("429", "500", "403", "cut_before", "cut_after")

#: A fault would only delay the polling of updates, so it is exempt unless it is named.
_EXEMPT_METHODS: Final = frozenset({"getupdates"})


class FaultInjector:
    """Draws the fault of each call, or none."""

    def __init__(self) -> None:
        self._rate = 0.0
        self._kinds: Sequence[str] = FAULT_KINDS
        self._methods: frozenset[str] = frozenset()
        self._random = random.Random(0)  # noqa: S311 - faults, not secrets
        self.retry_after = 1

    def configure(
        self,
        rate: float,
        kinds: Sequence[str] = FAULT_KINDS,
        methods: Sequence[str] = (),
        *,
        seed: int = 0,
        retry_after: int = 1,
    ) -> None:
        """Let a share `rate` of the calls fail from now on.

        Args:
            rate: The share, 0 to 1.
            kinds: Kinds to draw from.
            methods: The methods that fail; empty for all but the exempt ones.
            seed: Seed of the draws.
            retry_after: Seconds that a fault 429 tells the bot to wait.

        Raises:
            ValueError: A kind does not exist.
        """
        unknown = set(kinds) - set(FAULT_KINDS)
        if unknown:
            raise ValueError(f"there is no fault {unknown.pop()}; there are {', '.join(FAULT_KINDS)}")
        self._rate, self._kinds, self.retry_after = rate, tuple(kinds), retry_after
        self._methods = frozenset(name.lower() for name in methods)
        self._random.seed(seed)

    def draw(self, method: str) -> str | None:
        """The fault of one call of `method` (lower case), or None."""
        if method not in self._methods and (self._methods or method in _EXEMPT_METHODS):
            return None
        if self._rate and self._random.random() < self._rate:
            return self._random.choice(self._kinds)
        return None
