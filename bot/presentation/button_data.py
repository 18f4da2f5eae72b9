"""Data of buttons: what Telegram sends back when a button is pressed. It names a job at most, never a user.

Buttons stay in chats for years: a prefix or a field must not change, so that old buttons can still be parsed.
"""

from typing import Literal, Self

from aiogram.filters.callback_data import CallbackData


class _Action(CallbackData, prefix=""):
    """Data without fields."""

    @classmethod
    def unpack(cls, value: str) -> Self:
        """Parse the data. Buttons of older releases end in the separator."""
        return super().unpack(value.removesuffix(cls.__separator__))


class GiveConsent(_Action, prefix="consent"):
    """Gives consent."""


class ChooseLanguage(CallbackData, prefix="language"):
    """Chooses a language."""

    language: str


class ExplainAnswer(CallbackData, prefix="explain"):
    """Asks what an answer means."""

    job_id: str


class AskFeedback(CallbackData, prefix="feedback"):
    """Asks the bot to ask whether an answer was clear."""

    job_id: str


class GiveFeedback(CallbackData, prefix="rated"):
    """Answers the question whether an answer was clear."""

    rating: Literal["yes", "no"]
    job_id: str


class AskDeletion(_Action, prefix="delete"):
    """Asks to delete everything about the user. The bot asks for confirmation."""


class ConfirmDeletion(_Action, prefix="delete-for-good"):
    """Confirms the deletion."""
