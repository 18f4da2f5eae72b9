"""Converts file names, which may be any bytes, to text for JSON, spreadsheets, pages and terminals, and back.

Inside the program a name is what `os.fsdecode` returns: bytes that are not UTF-8 are lone surrogates, which neither
UTF-8 nor most JSON readers accept. In JSON the field `file` is therefore always valid text, with such bytes as
backslash and hex. For those names alone a second field `file_base64` holds the exact bytes.
"""

import base64
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

# Zero-width joiner and non-joiner are parts of emoji and of words in several scripts, and harmless.
_JOINERS: Final = frozenset("\u200c\u200d")
# Control, format (with the marks that change the direction of text), lone surrogate, line and paragraph separator.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def exact_bytes(name: str) -> bytes:
    """The bytes of `name` in the file system."""
    return name.encode("utf-8", "surrogateescape")


def text(name: str) -> str:
    """`name` as valid Unicode; bytes that are not UTF-8 are shown in hex."""
    return name if name.isascii() else exact_bytes(name).decode("utf-8", "backslashreplace")


def visible(name: str) -> str:
    """`name` for a terminal or a page: nothing in it moves the cursor, breaks the line or changes its direction."""
    shown = text(name)
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(_escape(char) if _is_hidden(char) else char for char in shown)


def to_fields(name: str, field: str = "file") -> dict[str, str]:
    """Fields of a JSON object that hold `name` without loss: `field`, and `field`_base64 if `name` is not UTF-8."""
    shown = text(name)
    if shown == name:
        return {field: shown}
    return {field: shown, f"{field}_base64": base64.b64encode(exact_bytes(name)).decode("ascii")}


def from_fields(row: Mapping[str, Any], field: str = "file") -> str:
    """The name that `to_fields` wrote. Raises `KeyError` or `ValueError` if there is none."""
    encoded = row.get(f"{field}_base64")
    if encoded is None:
        return str(row[field])
    return base64.b64decode(encoded, validate=True).decode("utf-8", "surrogateescape")


def _is_hidden(char: str) -> bool:
    return char not in _JOINERS and unicodedata.category(char) in _INVISIBLE


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
