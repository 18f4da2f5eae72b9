"""Texts that the bot says, one Fluent file a language. No text for users is in the bot's code.

A file `xx.ftl` in this folder adds a language.
"""

from pathlib import Path

from bot.locales.catalog import Catalog

_catalog = Catalog(Path(__file__).parent)


def translate(language: str, name: str, /, **values: object) -> str:
    """Return the text `name` in `language`, with `values` put in and with the plurals of the language.

    Texts hold Telegram's HTML. Values are numbers and other texts, never anything that a user wrote. Raises
    `bot.locales.catalog.MissingTextError`.
    """
    return _catalog.translate(language, name, **values)


def list_languages() -> tuple[str, ...]:
    """Return the languages that have a file, the default first."""
    return _catalog.languages


def match_language(code: str | None) -> str:
    """Return the language for Telegram's `language_code`: the file for its first part, or else the default."""
    return _catalog.match(code)


def check_languages() -> None:
    """Check that every language file is complete. Raises `bot.locales.catalog.LanguageError`."""
    _catalog.check()
