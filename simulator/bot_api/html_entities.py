"""Telegram's HTML: text without tags, and the entities that the tags meant.

As strict as https://core.telegram.org/bots/api#html-style: a `<` that begins no known tag is an error, and of the named
character references there are four.
"""

import re
from typing import Any, Final

from simulator.errors import ApiError, bad_request

_ENTITY_TYPES: Final = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "tg-spoiler": "spoiler",
    "blockquote": "blockquote",
}
_NAMED_REFERENCES: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_MARKUP: Final = re.compile(r"<(/?)([a-zA-Z0-9-]*)([^>]*)(>?)|&(?:(lt|gt|amp|quot)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));")
_HREF: Final = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")

Entity = dict[str, Any]


def utf16_length(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_text(text: str, parse_mode: str | None) -> tuple[str, list[Entity]]:
    """Plain text without space around it, and its entities. Raises `ApiError` for HTML that Telegram would not take."""
    if not parse_mode:
        return text.strip(), []
    if parse_mode.lower() != "html":
        raise bad_request(f"unsupported parse_mode {parse_mode}: the stand-in knows HTML")
    return _strip(*_Parser(text).parse())


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._parts: list[str] = []
        self._length = 0
        self._entities: list[Entity] = []
        self._open_tags: list[tuple[str, int, str]] = []

    def parse(self) -> tuple[str, list[Entity]]:
        at = 0
        for found in _MARKUP.finditer(self._source):
            self._append(self._source[at : found.start()])
            at = found.end()
            if found[0][0] == "&":
                self._append(_decode_reference(found))
            elif found[1]:
                self._end_tag(found)
            else:
                self._start_tag(found)
        self._append(self._source[at:])
        if self._open_tags:
            raise _parse_error(f'Can\'t find end tag corresponding to start tag "{self._open_tags[-1][0]}"')
        return "".join(self._parts), sorted(self._entities, key=lambda one: (one["offset"], -one["length"]))

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += utf16_length(text)

    def _start_tag(self, found: re.Match[str]) -> None:
        tag = found[2].lower()
        if tag == "span" and "tg-spoiler" in found[3]:
            tag = "tg-spoiler"
        if tag not in _ENTITY_TYPES:
            raise _parse_error(f'Unsupported start tag "{tag}" at byte offset {self._byte_offset(found)}')
        if not found[4]:
            raise _parse_error(f'Unclosed start tag "{tag}" at byte offset {self._byte_offset(found)}')
        self._open_tags.append((tag, self._length, found[3]))

    def _end_tag(self, found: re.Match[str]) -> None:
        tag = found[2].lower()
        if not self._open_tags:
            raise _parse_error(f"Unexpected end tag at byte offset {self._byte_offset(found)}")
        name, start, attributes = self._open_tags.pop()
        if tag != name and not (tag == "span" and name == "tg-spoiler"):
            raise _parse_error(
                f'Unmatched end tag at byte offset {self._byte_offset(found)}, expected "</{name}>", found "</{tag}>"'
            )
        entity: Entity = {"type": _ENTITY_TYPES[name], "offset": start, "length": self._length - start}
        if name == "a":
            link = _HREF.search(attributes)
            if link is None:
                return
            entity["url"] = link[1] or link[2] or link[3] or ""
        self._entities.append(entity)

    def _byte_offset(self, found: re.Match[str]) -> int:
        return len(self._source[: found.start()].encode())


def _decode_reference(found: re.Match[str]) -> str:
    if found[5]:
        return _NAMED_REFERENCES[found[5]]
    code = int(found[6]) if found[6] else int(found[7], 16)
    return chr(code) if 0 < code <= 0x10FFFF else found[0]


def _strip(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Without the space around it; the entities moved with the text, and shortened where only space was lost."""
    kept = text.strip()
    lead, length = utf16_length(text[: len(text) - len(text.lstrip())]), utf16_length(kept)
    moved = []
    for one in entities:
        start = max(0, one["offset"] - lead)
        end = min(length, one["offset"] - lead + one["length"])
        if end > start:
            moved.append(one | {"offset": start, "length": end - start})
    return kept, moved


def _parse_error(reason: str) -> ApiError:
    return bad_request(f"can't parse entities: {reason}")
