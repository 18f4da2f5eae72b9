"""Output streams that never end a run: the results are in files, whatever becomes of a terminal or a pipe."""

import os
from typing import Any, TextIO


class OutputStream:
    """`stream`, with characters that its encoding lacks in hex. Once nobody reads it, output is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write `text`."""
        try:
            return self._stream.write(text)
        except OSError:
            self._discard()
            return len(text)

    def flush(self) -> None:
        """Send what was written."""
        try:
            self._stream.flush()
        except OSError:
            self._discard()

    def _discard(self) -> None:
        # The interpreter flushes the stream once more when it exits, and that must not fail either.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._stream.fileno())
        os.close(null)

    def __getattr__(self, name: str) -> Any:
        """Pass all other attributes on to the stream."""
        return getattr(self._stream, name)
