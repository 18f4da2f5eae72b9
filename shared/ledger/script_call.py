"""A call of the ledger before anyone has run it: a script, its arguments, and how to read its reply.

Calls know no connection, so that a synchronous and an asynchronous client can run the same ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)

#: Before every key of ours.
KEY_PREFIX: Final = "melanoma:"

_SCRIPTS: Final = Path(__file__).parent / "scripts"

#: At its memory cap Redis refuses a script that writes, unless it says that it may. Those that move a job
#: towards its end say so: they free more than they take. `open` does not, so a full ledger takes no new jobs.
_TOWARDS_THE_END: Final = frozenset(
    {"beat", "claim", "close", "decide", "forget", "look", "put_back", "release", "sweep", "undeliverable", "view"}
)
#: And an operator must see and act just then.
_OF_THE_OPERATOR: Final = frozenset(
    {"count", "dead", "dismiss", "drop", "follow", "life", "limits", "pause", "survey", "switch"}
)


@dataclass(frozen=True, slots=True)
class ScriptCall(Generic[T_co]):
    """One atomic move: `script` by name, its `arguments`, and `read` for the raw reply."""

    script: str
    arguments: tuple[str | bytes | int, ...]
    decode_reply: Callable[[Any], T_co]


@cache
def script_source(script: str) -> str:
    """Whole Lua text of the script `script`. Raises `OSError` where there is none."""
    text = f"{_text('_prelude')}\n{_text(script)}"
    return with_clock_prelude(text, allow_oom=script in _TOWARDS_THE_END | _OF_THE_OPERATOR)


def with_clock_prelude(body: str, *, allow_oom: bool = False) -> str:
    """Lua text of a script that may call `clock()`; `at_the_cap` lets it write even when Redis is full."""
    return f"#!lua flags={'allow-oom' if allow_oom else ''}\n{_text('_clock')}\n{body}"


def _text(script: str) -> str:
    return (_SCRIPTS / f"{script}.lua").read_text(encoding="utf-8")
