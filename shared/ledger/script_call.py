"""A ledger call before it is run: a script, its arguments, and the decoder of its reply.

A call holds no connection, so a synchronous and an asynchronous client can run the same calls.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)

#: Prefix of every key of the service but Celery's.
KEY_PREFIX: Final = "melanoma:"

#: Maximum number of jobs that a worker claims with one message, unless the message names more. While so many jobs a
#: message wait in a queue, no further message is published for it.
JOBS_PER_MESSAGE: Final = 16

_SCRIPTS: Final = Path(__file__).parent / "scripts"


@dataclass(frozen=True, slots=True)
class ScriptCall(Generic[T_co]):
    """One atomic call: the name of the `script`, its `arguments`, and the decoder of the raw reply."""

    script: str
    arguments: tuple[str | bytes | int, ...]
    decode_reply: Callable[[Any], T_co]


@cache
def script_source(script: str) -> str:
    """Return the whole Lua text of `script`.

    The first line of each file is its header. At its memory limit Redis refuses a script unless the header says
    `allow-oom`. Scripts that move a job towards its end say so: they free more memory than they take. The scripts of
    operators say so, too: operators must see and act when Redis is full. Scripts that take in work do not, so a full
    ledger accepts no new jobs.

    Raises:
        OSError: There is no such script.
    """
    header, _, body = _read(script).partition("\n")
    constants = f"local JOBS_PER_MESSAGE = {JOBS_PER_MESSAGE}"
    return f"{header}\n{constants}\n{_read('_clock')}\n{_read('_prelude')}\n{body}"


def with_clock_prelude(body: str, *, allow_oom: bool = False) -> str:
    """Return the Lua text of a script that may call `clock()`; `allow_oom` lets it run even when Redis is full."""
    return f"#!lua{' flags=allow-oom' if allow_oom else ''}\n{_read('_clock')}\n{body}"


def outbox_signal_key(outbox: str) -> str:
    """Key of the list whose first element wakes the reader of `outbox`."""
    return f"{KEY_PREFIX}outbox_signal:{outbox}"


def to_ms(seconds: float) -> int:
    """Whole milliseconds, as scripts take times."""
    return round(seconds * 1000)


def _read(script: str) -> str:
    return (_SCRIPTS / f"{script}.lua").read_text(encoding="utf-8")
