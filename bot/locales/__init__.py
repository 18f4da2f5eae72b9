"""Every sentence that people read, one Fluent file a language; no sentence stands in the code."""

from functools import cache
from pathlib import Path
from typing import Final

from fluent.runtime import FluentBundle, FluentResource

from bot.locales.languages import LANGUAGES

_FOLDER: Final = Path(__file__).parent


class MissingTextError(Exception):
    """Raised when a text or one of its values is missing: a mistake in the code, which the tests look for."""


def translate(language: str, name: str, /, **values: object) -> str:
    """Return the text `name` in `language`, with `values` put in and plurals as the language has them.

    Texts hold Telegram's HTML; values are numbers and other texts, never anything that a person wrote. Raises
    `MissingTextError`.
    """
    bundle = _bundle(language if language in LANGUAGES else LANGUAGES[0])
    if not bundle.has_message(name):
        raise MissingTextError(f"there is no text {name!r} in {language}")
    message = bundle.get_message(name)
    assert message.value is not None  # noqa: S101 - Fluent's messages without attributes have one
    written, errors = bundle.format_pattern(message.value, values)
    if errors:
        raise MissingTextError(f"{name!r} in {language}: {errors[0]}")
    return str(written)


@cache
def _bundle(language: str) -> FluentBundle:
    # Isolation marks are for right-to-left scripts, and Telegram would count them.
    bundle = FluentBundle([language], use_isolating=False)
    bundle.add_resource(FluentResource((_FOLDER / f"{language}.ftl").read_text(encoding="utf-8")))
    return bundle
