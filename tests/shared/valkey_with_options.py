"""A Valkey with further options on its command line."""

from pathlib import Path
from typing import Any

from local.embedded_valkey import EmbeddedValkey


class ValkeyWithOptions(EmbeddedValkey):
    """An embedded Valkey; `_` in the name of an option stands for `-`."""

    def __init__(self, directory: Path, *, password: str = "", **options: str) -> None:
        super().__init__(directory, password=password)
        self._options = options

    def command(self) -> list[str]:
        parts: list[Any] = [(f"--{name.replace('_', '-')}", value) for name, value in self._options.items()]
        return [*super().command(), *(part for option in parts for part in option)]
