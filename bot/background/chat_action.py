"""Shows "sending a photo" above a chat while someone waits: a nicety that gives way to everything else."""

import time
from typing import Final

from aiogram import Bot
from aiogram.enums import ChatAction

from bot.telegram.api_calls import SendError, call_api
from bot.telegram.rate_limiter import Priority, RateLimiter

#: Telegram shows it for five seconds.
_SHOWN_S: Final = 5.0


class ChatActionSender:
    """Shows it once for as long as it lasts, however many photographs a person sends at a time."""

    def __init__(self, bot: Bot, rate_limiter: RateLimiter) -> None:
        self._bot = bot
        self._rate_limiter = rate_limiter
        #: When it was last shown in a chat, the oldest first.
        self._shown_at: dict[int, float] = {}

    async def show(self, chat: int) -> None:
        """Show it in `chat` if it is not to be seen there and nothing else is to be sent."""
        now = time.monotonic()
        while self._shown_at and next(iter(self._shown_at.values())) < now - _SHOWN_S:
            del self._shown_at[next(iter(self._shown_at))]
        if chat in self._shown_at:
            return
        self._shown_at[chat] = now
        if not (await self._rate_limiter.request_permit(chat, Priority.PROGRESS)).granted:
            return
        try:
            await call_api(lambda: self._bot.send_chat_action(chat, ChatAction.UPLOAD_PHOTO))
        except SendError:
            return
