"""Telegram's HTML: text without tags, and the entities that the tags meant."""

from html.parser import HTMLParser
from typing import Any, Final

from simulator.errors import bad_request

_KINDS: Final = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "tg-spoiler": "spoiler",
    "blockquote": "blockquote",
}


def utf16(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def parse(text: str, mode: str | None) -> tuple[str, list[dict[str, Any]]]:
    """Plain text and its entities. Raises `ApiError` for HTML that Telegram would not take."""
    if not mode:
        return text, []
    if mode.lower() != "html":
        raise bad_request(f"unsupported parse_mode {mode}: the stand-in knows HTML")
    parser = _Parser()
    parser.feed(text)
    parser.close()
    if parser.open:
        raise bad_request(
            f"can't parse entities: Can't find end tag corresponding to start tag \"{parser.open[-1][0]}\""
        )
    return "".join(parser.parts), sorted(parser.entities, key=lambda one: (one["offset"], -one["length"]))


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.entities: list[dict[str, Any]] = []
        self.open: list[tuple[str, int, dict[str, str | None]]] = []
        self._length = 0

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
        self._length += utf16(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _KINDS:
            raise bad_request(f'can\'t parse entities: Unsupported start tag "{tag}"')
        self.open.append((tag, self._length, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            raise bad_request(f'can\'t parse entities: Unmatched end tag "{tag}"')
        _, start, attributes = self.open.pop()
        entity: dict[str, Any] = {"type": _KINDS[tag], "offset": start, "length": self._length - start}
        if tag == "a":
            entity["url"] = attributes.get("href") or ""
        if entity["length"]:
            self.entities.append(entity)
