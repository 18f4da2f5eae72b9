"""Parser of Telegram's HTML: the text without tags, and the entities for the tags.

It is as strict as https://core.telegram.org/bots/api#html-style: a `<` that starts no known tag is an error, and only
four named character references exist.
"""

import re
from typing import Any, Final

from simulator.errors import ApiError, bad_request
from simulator.utf16 import utf16_length

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


def parse_text(text: str, parse_mode: str | None) -> tuple[str, list[Entity]]:
    """Parse a text into plain text without surrounding white space, and its entities.

    Raises:
        ApiError: Telegram would refuse the HTML, or `parse_mode` is not HTML.
    """
    if not parse_mode:
        return text.strip(), []
    if parse_mode.lower() != "html":
        raise bad_request(f"unsupported parse_mode {parse_mode}: the simulator supports HTML only")
    return _strip(*_Parser(text).parse())


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._parts: list[str] = []
        self._length = 0
        self._entities: list[Entity] = []
        self._open_tags: list[tuple[str, int, str]] = []

    def parse(self) -> tuple[str, list[Entity]]:
        position = 0
        for match in _MARKUP.finditer(self._source):
            self._append(self._source[position : match.start()])
            position = match.end()
            if match[0][0] == "&":
                self._append(_decode_reference(match))
            elif match[1]:
                self._end_tag(match)
            else:
                self._start_tag(match)
        self._append(self._source[position:])
        if self._open_tags:
            raise _parse_error(f'Can\'t find end tag corresponding to start tag "{self._open_tags[-1][0]}"')
        return "".join(self._parts), sorted(self._entities, key=lambda entity: (entity["offset"], -entity["length"]))

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += utf16_length(text)

    def _start_tag(self, match: re.Match[str]) -> None:
        tag = match[2].lower()
        if tag == "span" and "tg-spoiler" in match[3]:
            tag = "tg-spoiler"
        if tag not in _ENTITY_TYPES:
            raise _parse_error(f'Unsupported start tag "{tag}" at byte offset {self._byte_offset(match)}')
        if not match[4]:
            raise _parse_error(f'Unclosed start tag "{tag}" at byte offset {self._byte_offset(match)}')
        self._open_tags.append((tag, self._length, match[3]))

    def _end_tag(self, match: re.Match[str]) -> None:
        tag = match[2].lower()
        if not self._open_tags:
            raise _parse_error(f"Unexpected end tag at byte offset {self._byte_offset(match)}")
        name, start, attributes = self._open_tags.pop()
        if tag != name and not (tag == "span" and name == "tg-spoiler"):
            raise _parse_error(
                f'Unmatched end tag at byte offset {self._byte_offset(match)}, expected "</{name}>", found "</{tag}>"'
            )
        entity: Entity = {"type": _ENTITY_TYPES[name], "offset": start, "length": self._length - start}
        if name == "a":
            link = _HREF.search(attributes)
            if link is None:
                return
            entity["url"] = link[1] or link[2] or link[3] or ""
        self._entities.append(entity)

    def _byte_offset(self, match: re.Match[str]) -> int:
        return len(self._source[: match.start()].encode())


def _decode_reference(match: re.Match[str]) -> str:
    if match[5]:
        return _NAMED_REFERENCES[match[5]]
    code = int(match[6]) if match[6] else int(match[7], 16)
    return chr(code) if 0 < code <= 0x10FFFF else match[0]


def _strip(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Remove surrounding white space; shift the entities with the text, and cut them where only space was removed."""
    stripped = text.strip()
    leading, length = utf16_length(text[: len(text) - len(text.lstrip())]), utf16_length(stripped)
    shifted = []
    for entity in entities:
        start = max(0, entity["offset"] - leading)
        end = min(length, entity["offset"] - leading + entity["length"])
        if end > start:
            shifted.append(entity | {"offset": start, "length": end - start})
    return stripped, shifted


def _parse_error(reason: str) -> ApiError:
    return bad_request(f"can't parse entities: {reason}")
