"""Rows of buttons under messages."""

from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.locales import list_languages, translate
from bot.presentation import button_data
from bot.storage.messages.outgoing_message import Button

Rows = tuple[tuple[Button, ...], ...]

#: Languages in one row.
_LANGUAGES_PER_ROW: Final = 3


def consent(language: str) -> Rows:
    """Button that gives consent."""
    return ((Button(text=translate(language, "consent-button"), data=button_data.GiveConsent().pack()),),)


def languages() -> Rows:
    """Buttons that choose a language, each with the language's own name."""
    buttons = [
        Button(text=translate(language, "language-name"), data=button_data.ChooseLanguage(language=language).pack())
        for language in list_languages()
    ]
    return tuple(
        tuple(buttons[start : start + _LANGUAGES_PER_ROW]) for start in range(0, len(buttons), _LANGUAGES_PER_ROW)
    )


def under_answer(language: str, job_id: str) -> Rows:
    """Buttons under an answer."""
    return (
        (Button(text=translate(language, "explain-button"), data=button_data.ExplainAnswer(job_id=job_id).pack()),),
        (
            Button(text=translate(language, "feedback-button"), data=button_data.AskFeedback(job_id=job_id).pack()),
            Button(text=translate(language, "delete-data-button"), data=button_data.AskDeletion().pack()),
        ),
    )


def feedback(language: str, job_id: str) -> Rows:
    """Buttons yes and no."""
    return (
        (
            Button(
                text=translate(language, "feedback-yes"),
                data=button_data.GiveFeedback(rating="yes", job_id=job_id).pack(),
            ),
            Button(
                text=translate(language, "feedback-no"),
                data=button_data.GiveFeedback(rating="no", job_id=job_id).pack(),
            ),
        ),
    )


def deletion(language: str) -> Rows:
    """Button that confirms the deletion of everything, which cannot be undone."""
    return ((Button(text=translate(language, "delete-button"), data=button_data.ConfirmDeletion().pack()),),)


def to_markup(rows: Rows) -> InlineKeyboardMarkup | None:
    """Return the rows as Telegram takes them; None for no buttons."""
    if not rows:
        return None
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [InlineKeyboardButton(text=button.text, callback_data=button.data) for button in row] for row in rows
        ]
    )
