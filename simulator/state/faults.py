"""Injects faults: a share of the calls is refused, fails, hangs, or loses its connection or its result."""

import asyncio
import random
from collections.abc import Sequence
from typing import Final

_DEFAULT_KINDS: Final = ("429", "500", "403", "cut_before", "cut_after")
FAULT_KINDS: Final = (*_DEFAULT_KINDS, "hang", "unknown_result")

#: A fault would only delay the polling of updates, so it is exempt unless it is named.
_EXEMPT_METHODS: Final = frozenset({"getupdates"})


class FaultInjector:
    """Draws the fault of each call, or none."""

    def __init__(self) -> None:
        self._rate = 0.0
        self._kinds: Sequence[str] = _DEFAULT_KINDS
        self._methods: frozenset[str] = frozenset()
        self._chats: frozenset[str] = frozenset()
        self._changed = asyncio.Event()
        self._random = random.Random(0)  # noqa: S311 - faults, not secrets
        self.retry_after = 1

    def configure(
        self,
        rate: float,
        kinds: Sequence[str] = _DEFAULT_KINDS,
        methods: Sequence[str] = (),
        *,
        seed: int = 0,
        retry_after: int = 1,
        chats: Sequence[int] = (),
    ) -> None:
        """Let a share `rate` of the calls fail from now on.

        Args:
            rate: The share, 0 to 1.
            kinds: Kinds to draw from.
            methods: The methods that fail; empty for all but the exempt ones.
            seed: Seed of the draws.
            retry_after: Seconds that a fault 429 tells the bot to wait.
            chats: Only calls about these chats fail; empty for all.

        Raises:
            ValueError: A kind does not exist.
        """
        unknown = set(kinds) - set(FAULT_KINDS)
        if unknown:
            raise ValueError(f"there is no fault {unknown.pop()}; there are {', '.join(FAULT_KINDS)}")
        self._rate, self._kinds, self.retry_after = rate, tuple(kinds), retry_after
        self._methods = frozenset(name.lower() for name in methods)
        self._chats = frozenset(map(str, chats))
        self._random.seed(seed)
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_for_change(self) -> None:
        """Wait until the faults are configured anew: so long a call hangs."""
        await self._changed.wait()

    def draw(self, method: str, chat_id: object = None) -> str | None:
        """The fault of one call of `method` (lower case) about a chat, or None."""
        if self._chats and str(chat_id) not in self._chats:
            return None
        if method not in self._methods and (self._methods or method in _EXEMPT_METHODS):
            return None
        if self._rate and self._random.random() < self._rate:
            return self._random.choice(self._kinds)
        return None
