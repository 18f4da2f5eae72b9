"""A bot: its profile, chats, updates and callback queries."""

import re
import time
from typing import Any, Final

from simulator.errors import ApiError, bad_request
from simulator.state.chat import Chat, Message
from simulator.state.rate_limits import RateLimits
from simulator.state.update_queue import UpdateQueue
from simulator.state.webhook import WebhookSender

_TOKEN: Final = re.compile(r"(\d+):[A-Za-z0-9_-]{30,}")
#: Seconds for which Telegram accepts the answer to a button press.
_CALLBACK_QUERY_TTL_S: Final = 60


def parse_bot_id(token: str) -> int:
    """The bot's id, which is part of its token. Raises `ApiError` 401 for a malformed token."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise ApiError(401, "Unauthorized")
    return int(match[1])


class BotAccount:
    """A bot. It needs no registration: any well-formed token makes one. Raises `ApiError` for a malformed token."""

    def __init__(self, token: str, *, rate_limits: bool, first_message_id: int, first_update_id: int) -> None:
        self.id = parse_bot_id(token)
        self.info: dict[str, Any] = {
            "id": self.id,
            "is_bot": True,
            "first_name": "Bot",
            "username": f"simulated_{self.id}_bot",
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        self.chats: dict[int, Chat] = {}
        self.updates = UpdateQueue(first_update_id)
        self.webhook: WebhookSender | None = None
        self.rate_limits = RateLimits(enabled=rate_limits)
        self.commands: dict[tuple[str, str], list[dict[str, str]]] = {}
        #: For each callback query, when it was created (monotonic clock) and its chat.
        self._callback_queries: dict[str, tuple[float, Chat]] = {}
        self._next_message_id = first_message_id
        self._next_album_number = 1

    def get_chat(self, id_: object) -> Chat:
        """The chat with this id. Raises `ApiError` if the bot cannot write to it."""
        try:
            chat = self.chats[int(str(id_))]
        except (KeyError, ValueError):
            raise bad_request("chat not found") from None
        if not chat.has_started:
            raise bad_request("chat not found")
        if chat.migrated_to is not None:
            raise ApiError(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=chat.migrated_to,
            )
        if chat.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        return chat

    def add_message(self, chat: Chat, sender: dict[str, Any], content: dict[str, Any]) -> Message:
        """Put a message into a chat."""
        message_id = self._next_message_id
        self._next_message_id += 1
        message = {"message_id": message_id, "date": int(time.time()), "chat": chat.info, "from": sender, **content}
        chat.add_message(message)
        return message

    def next_album_id(self) -> str:
        """A new `media_group_id`."""
        self._next_album_number += 1
        return str(self.id * 1000 + self._next_album_number)

    def add_callback_query(self, query_id: str, chat: Chat) -> None:
        """Remember a button press that the bot has to answer."""
        now = time.monotonic()
        while self._callback_queries and next(iter(self._callback_queries.values()))[0] < now - _CALLBACK_QUERY_TTL_S:
            del self._callback_queries[next(iter(self._callback_queries))]
        self._callback_queries[query_id] = now, chat

    def get_callback_query_chat(self, query_id: str) -> Chat:
        """The chat in which a button was pressed. Raises `ApiError` if the query is unknown or too old."""
        created_at, chat = self._callback_queries.get(query_id, (0.0, None))
        if chat is None or created_at < time.monotonic() - _CALLBACK_QUERY_TTL_S:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        return chat
