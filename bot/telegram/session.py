"""HTTP session for calls of the Bot API."""

from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType


class CachingSession(AiohttpSession):
    """aiogram's session that also caches the pydantic models of replies.

    aiogram builds `Response[...]` for each call. pydantic drops such a model when nothing refers to it, and building
    it again costs more than the rest of the call.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._models: dict[type, Any] = {}

    def check_response(
        self, bot: Bot, method: TelegramMethod[TelegramType], status_code: int, content: str
    ) -> Response[TelegramType]:
        """Parse a reply. Raises aiogram's errors."""
        kind = type(method)
        if kind not in self._models:
            self._models[kind] = Response[method.__returning__]  # type: ignore[name-defined]
        return super().check_response(bot, method, status_code, content)
