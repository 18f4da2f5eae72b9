"""Shows "sending a photo" above a chat while a user waits, unless there is anything else to send."""

import time
from typing import Final

from aiogram import Bot
from aiogram.enums import ChatAction

from bot.telegram.api_calls import SendError, call_api
from bot.telegram.rate_limiter import Priority, RateLimiter

#: Telegram shows a chat action for five seconds.
_SHOWN_S: Final = 5.0


class ChatActionSender:
    """Shows the action once for as long as it lasts, however many photos a user sends at a time."""

    def __init__(self, bot: Bot, rate_limiter: RateLimiter) -> None:
        self._bot = bot
        self._rate_limiter = rate_limiter
        #: When it was last shown in each chat, the oldest first.
        self._shown_at: dict[int, float] = {}

    async def show(self, chat_id: int, thread_id: int | None = None) -> None:
        """Show the action in a chat, unless it is shown already or there are messages to send."""
        now = time.monotonic()
        while self._shown_at and next(iter(self._shown_at.values())) < now - _SHOWN_S:
            del self._shown_at[next(iter(self._shown_at))]
        if chat_id in self._shown_at:
            return
        self._shown_at[chat_id] = now
        if not (await self._rate_limiter.request_permit(chat_id, Priority.PROGRESS)).granted:
            return
        try:
            await call_api(
                lambda: self._bot.send_chat_action(chat_id, ChatAction.UPLOAD_PHOTO, message_thread_id=thread_id),
                timeout_s=_SHOWN_S,
            )
        except SendError:
            return
