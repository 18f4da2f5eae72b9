"""Consent of users: checks it, records it, and renders the question for it."""

from bot.locales import translate
from bot.services.privacy import retention_days
from bot.storage.users import UserStore
from shared.config.overrides import SettingsOverrides


class ConsentService:
    """Consent by user. Every method waits while Redis is unavailable.

    The check of each photo is part of the atomic admission script, so that a photo is never admitted without consent.
    """

    def __init__(self, users: UserStore, overrides: SettingsOverrides) -> None:
        self._users = users
        self._overrides = overrides

    async def is_given(self, user_id: int) -> bool:
        """Return whether the user gave consent."""
        return await self._users.has_consented(user_id)

    async def record(self, user_id: int) -> None:
        """Remember that the user gave consent."""
        await self._users.record_consent(user_id)

    def question(self, language: str) -> str:
        """Return the text that asks for consent and says what is stored, and for how long."""
        return translate(language, "consent-question", days=retention_days(self._overrides.current))
