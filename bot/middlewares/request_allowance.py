"""Rejects requests of a user who sends too many: commands, presses and texts."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiogram import BaseMiddleware
from aiogram.dispatcher.flags import get_flag
from aiogram.enums import ChatType
from aiogram.types import Chat, TelegramObject, User

from bot.locales import translate
from bot.services.messenger import Messenger
from bot.storage.admission import AdmissionControl
from bot.storage.messages.outgoing_message import OutgoingMessage
from bot.storage.users import UserStore, hash_user

#: Number of rejected users that a process remembers at most.
_MAX_REMEMBERED: Final = 10_000


class RequestAllowance(BaseMiddleware):
    """Inner middleware of the routers. A user who exceeds the allowance is told once, and then ignored for a while."""

    def __init__(self, admission: AdmissionControl, users: UserStore, messenger: Messenger, key: bytes) -> None:
        self._admission = admission
        self._users = users
        self._messenger = messenger
        self._key = key
        #: Users without allowance and until when, so that their further requests cost no call to Redis.
        self._rejected_until: dict[tuple[int, bool], float] = {}

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Call `handler` if the user has allowance left."""
        user: User | None = data.get("event_from_user")
        if user is None or get_flag(data, "has_admission"):
            return await handler(event, data)
        changes_data = bool(get_flag(data, "changes_data"))
        if time.monotonic() < self._rejected_until.get((user.id, changes_data), 0):
            return None
        result = await self._admission.admit_request(hash_user(self._key, user.id), changes_data=changes_data)
        if result.admitted:
            return await handler(event, data)
        if len(self._rejected_until) >= _MAX_REMEMBERED:
            self._rejected_until.clear()
        chat: Chat | None = data.get("event_chat")
        if result.is_first_rejection and chat is not None and chat.type == ChatType.PRIVATE:
            language = await self._users.get_language(user.id, user.language_code)
            message = OutgoingMessage(
                chat_id=chat.id, thread_id=data.get("event_thread_id"), text=translate(language, "requests-too-fast")
            )
            await self._messenger.enqueue(message, "requests-too-fast", str(data["event_update"].update_id))
        # After the message, so that a repeated handler enqueues it.
        self._rejected_until[user.id, changes_data] = time.monotonic() + result.wait_s
        return None
