"""Rejects requests of a user who sends too many: commands, presses and texts."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.dispatcher.flags import get_flag
from aiogram.enums import ChatType
from aiogram.types import Chat, TelegramObject, User

from bot.locales import translate
from bot.services.messenger import Messenger
from bot.storage.admission import AdmissionControl
from bot.storage.messages.outgoing_message import OutgoingMessage
from bot.storage.users import UserStore, hash_user
from bot.telegram.flood_gate import FloodGate


class RequestAllowance(BaseMiddleware):
    """Inner middleware of the routers. A user who exceeds the allowance is told once, and then ignored for a while."""

    def __init__(
        self, admission: AdmissionControl, users: UserStore, messenger: Messenger, gate: FloodGate, key: bytes
    ) -> None:
        self._admission = admission
        self._users = users
        self._messenger = messenger
        self._gate = gate
        self._key = key

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
        result = await self._admission.admit_request(hash_user(self._key, user.id), changes_data=changes_data)
        if result.admitted:
            return await handler(event, data)
        chat: Chat | None = data.get("event_chat")
        if result.is_first_rejection and chat is not None and chat.type == ChatType.PRIVATE:
            language = await self._users.get_language(user.id, user.language_code)
            message = OutgoingMessage(
                chat_id=chat.id, thread_id=data.get("event_thread_id"), text=translate(language, "requests-too-fast")
            )
            await self._messenger.enqueue(message, "requests-too-fast", str(data["event_update"].update_id))
        # After the message, so that a repeated handler enqueues it.
        self._gate.close(user.id, result.wait_s, changes_data=changes_data)
        return None
