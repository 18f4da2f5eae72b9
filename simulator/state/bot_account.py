"""One bot: who it is, its conversations, its updates."""

import re
import time
from typing import Any, Final

from simulator.errors import ApiError, bad_request
from simulator.state.chat import Chat, Message
from simulator.state.rate_limits import RateLimits
from simulator.state.update_queue import UpdateQueue
from simulator.state.webhook import WebhookSender

_TOKEN: Final = re.compile(r"(\d+):[A-Za-z0-9_-]{30,}")
#: How long Telegram takes the answer to a press of a button. Seconds.
_PRESS_S: Final = 60


def token_id(token: str) -> int:
    """The bot's id in its token. Raises `ApiError` 401 for what is no token."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise ApiError(401, "Unauthorized")
    return int(found[1])


class BotAccount:
    """A bot, which has never to be registered: any token is one. Raises `ApiError` for what is no token."""

    def __init__(self, token: str, *, limits: bool) -> None:
        self.id = token_id(token)
        self.about: dict[str, Any] = {
            "id": self.id,
            "is_bot": True,
            "first_name": "Bot",
            "username": f"stand_in_{self.id}_bot",
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        self.chats: dict[int, Chat] = {}
        self.updates = UpdateQueue()
        self.webhook: WebhookSender | None = None
        self.limits = RateLimits(on=limits)
        self.commands: dict[tuple[str, str], list[dict[str, str]]] = {}
        self._presses: dict[str, tuple[float, Chat]] = {}
        self._next_message = 1
        self._next_album = 1

    def chat(self, id_: object) -> Chat:
        """The conversation that a call names. Raises `ApiError`."""
        try:
            chat = self.chats[int(str(id_))]
        except (KeyError, ValueError):
            raise bad_request("chat not found") from None
        if not chat.known:
            raise bad_request("chat not found")
        if chat.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        return chat

    def add(self, chat: Chat, sender: dict[str, Any], content: dict[str, Any]) -> Message:
        """Put a message into a conversation."""
        number = self._next_message
        self._next_message += 1
        message = {"message_id": number, "date": int(time.time()), "chat": chat.about, "from": sender, **content}
        chat.add(message)
        return message

    def album(self) -> str:
        """A new `media_group_id`."""
        self._next_album += 1
        return str(self.id * 1000 + self._next_album)

    def pressed(self, query: str, chat: Chat) -> None:
        """Note a press of a button, which the bot has to answer."""
        now = time.monotonic()
        while self._presses and next(iter(self._presses.values()))[0] < now - _PRESS_S:
            del self._presses[next(iter(self._presses))]
        self._presses[query] = now, chat

    def press(self, query: str) -> Chat:
        """Where a button was pressed. Raises `ApiError` where that was too long ago, or never."""
        at, chat = self._presses.get(query, (0.0, None))
        if chat is None or at < time.monotonic() - _PRESS_S:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        return chat
