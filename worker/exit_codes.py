"""Exit codes of a worker besides 0."""

from typing import Final

#: The worker cannot work, and trying again without a change would not help.
EXIT_MISCONFIGURED: Final = 2
