"""Whether replies of Telegram's have been lost lately."""

import time
from typing import Final

_LATELY_S: Final = 60.0


class Trouble:
    """Remembers the last time that nobody knew whether a message had been sent."""

    def __init__(self) -> None:
        self._until = 0.0

    def happened(self) -> None:
        """A reply was lost, or Telegram failed."""
        self._until = time.monotonic() + _LATELY_S

    def lately(self) -> bool:
        """Whether that was within the last minute."""
        return time.monotonic() < self._until
