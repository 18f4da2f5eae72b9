"""Buttons, and what their data says when they are pressed."""

from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.locales import translate
from bot.locales.languages import LANGUAGES
from bot.storage.outgoing_message import Button

CONSENT: Final = "consent"
LANGUAGE: Final = "language"
EXPLAIN: Final = "explain"
FEEDBACK: Final = "feedback"
RATED: Final = "rated"
DELETE: Final = "delete"
DELETE_FOR_GOOD: Final = "delete-for-good"

Rows = tuple[tuple[Button, ...], ...]

_OWN_NAMES: Final = {"en": "English", "ru": "Русский"}


def data(deed: str, about: str = "") -> str:
    """Data of a button: the deed, and what it is about (a job id, a language)."""
    return f"{deed}:{about}"


def consent(language: str) -> Rows:
    """To agree."""
    return ((Button(text=translate(language, "consent-button"), data=data(CONSENT)),),)


def languages() -> Rows:
    """To choose a language, each by its own name."""
    return (tuple(Button(text=_OWN_NAMES[one], data=data(LANGUAGE, one)) for one in LANGUAGES),)


def under_answer(language: str, job_id: str) -> Rows:
    """Under an answer."""
    return (
        (Button(text=translate(language, "explain-button"), data=data(EXPLAIN, job_id)),),
        (
            Button(text=translate(language, "feedback-button"), data=data(FEEDBACK, job_id)),
            Button(text=translate(language, "delete-data-button"), data=data(DELETE)),
        ),
    )


def feedback(language: str, job_id: str) -> Rows:
    """Yes or no."""
    return (
        (
            Button(text=translate(language, "feedback-yes"), data=data(RATED, f"yes:{job_id}")),
            Button(text=translate(language, "feedback-no"), data=data(RATED, f"no:{job_id}")),
        ),
    )


def delete(language: str) -> Rows:
    """To delete everything; there is no way back, so it is asked for once more."""
    return ((Button(text=translate(language, "delete-button"), data=data(DELETE_FOR_GOOD)),),)


def markup(rows: Rows) -> InlineKeyboardMarkup | None:
    """The same for Telegram; None for no buttons."""
    if not rows:
        return None
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=one.text, callback_data=one.data) for one in row] for row in rows]
    )
