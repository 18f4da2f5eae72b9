"""Which language a person is spoken to in."""

from typing import Final

LANGUAGES: Final = ("en", "ru")

#: Languages of Telegram's setting whose speakers more often read Russian than English.
_READ_RUSSIAN: Final = frozenset({"ru", "be", "uk", "kk", "ky", "tg", "uz", "hy", "az"})


def from_language_code(code: str | None) -> str:
    """Language of ours for Telegram's `language_code`, an IETF tag or None."""
    return "ru" if (code or "").split("-")[0].lower() in _READ_RUSSIAN else "en"
