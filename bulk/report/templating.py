"""HTML from templates: whatever is put in is escaped, unless it is HTML made here."""

import html
from functools import cache
from pathlib import Path
from string import Template
from typing import Final

_TEMPLATES: Final = Path(__file__).parent / "templates"


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def render(template: str, **values: object) -> Markup:
    """The template of this name with each `$name` replaced. Raises `KeyError` for one that has no value."""
    return Markup(_template(template).substitute({name: escape(value) for name, value in values.items()}))


def join(parts: list[Markup], between: str = "\n") -> Markup:
    """`parts` one after the other."""
    return Markup(between.join(parts))


def escape(value: object) -> Markup:
    """`value` as HTML, safe in an element and in a quoted attribute."""
    return value if isinstance(value, Markup) else Markup(html.escape(str(value), quote=True))


@cache
def source(template: str) -> str:
    """The template's text. Raises `OSError` where there is none."""
    return (_TEMPLATES / template).read_text(encoding="utf-8")


@cache
def _template(template: str) -> Template:
    return Template(source(template))
