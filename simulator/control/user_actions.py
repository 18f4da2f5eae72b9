"""The actions of users in a chat: send and edit messages, press buttons, block the bot."""

import secrets
import time
from dataclasses import dataclass
from typing import Any, Final

from simulator.errors import ApiError, bad_request
from simulator.state.bot_account import BotAccount
from simulator.state.chat import Chat, Message
from simulator.state.state import SimulatorState

#: The user whom Telegram names as the sender of what anonymous administrators write.
_ANONYMOUS_ADMINISTRATOR: Final = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}


@dataclass(frozen=True, slots=True)
class Placement:
    """Place and manner in which a user writes: the chat, the message to reply to, the topic, anonymously or not."""

    chat: int
    reply_to: int | None = None
    topic: int | None = None
    anonymous: bool = False


class UserActions:
    """Actions of users towards bots. Each raises `ApiError` if it is not possible."""

    def __init__(self, state: SimulatorState) -> None:
        self._state = state

    def send_message(self, bot: BotAccount, user_id: int, content: dict[str, Any], placement: Placement) -> Message:
        """Put a message of a user into a chat, and queue the update for `bot`."""
        target = self._state.get_chat(bot, placement.chat)
        original = None
        sender = self._get_user(user_id)
        if placement.anonymous:
            sender, content = _ANONYMOUS_ADMINISTRATOR, content | {"sender_chat": target.info}
        if placement.topic is not None:
            target.topics.add(placement.topic)
            content = content | {"message_thread_id": placement.topic, "is_topic_message": True}
        if placement.reply_to is not None:
            original = target.find_message(placement.reply_to)
            if original is None:
                raise bad_request("there is no message to reply to")
            content = content | {
                "reply_to_message": {key: value for key, value in original.items() if key != "reply_to_message"}
            }
        target.has_started = True
        if target.blocked:
            # As in Telegram's apps, writing to a blocked bot unblocks it.
            self.set_blocked(bot, user_id, blocked=False)
        message = bot.add_message(target, sender, content)
        if target.id > 0 or _is_visible_to(bot, content, original):
            target.message_states[message["message_id"]].update_id = bot.updates.add("message", message)
        return message

    def edit_message(self, bot: BotAccount, user_id: int, message_id: int, content: dict[str, Any]) -> None:
        """Replace the content of a message in a user's private chat, and queue the update for `bot`."""
        chat = self._state.get_chat(bot, user_id)
        message = chat.find_message(message_id)
        if message is None or message["from"]["id"] != user_id:
            raise bad_request("there is no such message of this user")
        kept = {key: message[key] for key in ("message_id", "date", "chat", "from")}
        chat.edit_message(message, kept | content)
        bot.updates.add("edited_message", dict(message))

    def press_button(self, bot: BotAccount, user_id: int, message_id: int, button: str, *, chat: int) -> None:
        """Press the button whose data, data before the colon, or start of data or text is `button`."""
        target = self._state.get_chat(bot, chat)
        message = target.find_message(message_id)
        if message is None:
            raise bad_request("there is no such message")
        query_id = secrets.token_hex(8)
        bot.add_callback_query(query_id, target)
        bot.updates.add(
            "callback_query",
            {
                "id": query_id,
                "from": self._get_user(user_id),
                # A copy: the message may be edited before the bot fetches the update.
                "message": dict(message),
                "chat_instance": str(target.id),
                "data": _find_callback_data(message, button),
            },
        )

    def set_blocked(self, bot: BotAccount, user_id: int, *, blocked: bool) -> None:
        """Block the bot, or unblock it."""
        chat = self._state.get_chat(bot, user_id)
        if chat.blocked is blocked:
            return
        chat.blocked = blocked
        bot.updates.add("my_chat_member", self._membership_change(bot, chat, blocked=blocked))

    def _membership_change(self, bot: BotAccount, chat: Chat, *, blocked: bool) -> dict[str, Any]:
        member = {"user": bot.info, "status": "member"}
        kicked = {"user": bot.info, "status": "kicked", "until_date": 0}
        return {
            "chat": chat.info,
            "from": self._get_user(chat.id),
            "date": int(time.time()),
            "old_chat_member": member if blocked else kicked,
            "new_chat_member": kicked if blocked else member,
        }

    def _get_user(self, user_id: int) -> dict[str, Any]:
        user = self._state.users.get(user_id)
        if user is None:
            raise ApiError(404, f"there is no user {user_id}")
        return user


def _is_visible_to(bot: BotAccount, content: dict[str, Any], original: Message | None) -> bool:
    """True if a bot in privacy mode gets a group message: https://core.telegram.org/bots/features#privacy-mode."""
    text = str(content.get("text") or content.get("caption") or "")
    return (
        text.startswith("/")
        or f"@{bot.info['username']}" in text
        or (original is not None and original["from"]["id"] == bot.id)
    )


def _find_callback_data(message: Message, button: str) -> str:
    buttons = [
        item
        for row in message.get("reply_markup", {}).get("inline_keyboard", [])
        for item in row
        if "callback_data" in item
    ]
    for candidates in (
        [item for item in buttons if item["callback_data"] == button],
        [item for item in buttons if item["callback_data"].partition(":")[0] == button],
        [item for item in buttons if item["callback_data"].startswith(button) or item["text"].startswith(button)],
    ):
        if candidates:
            return str(candidates[0]["callback_data"])
    raise bad_request(f"there is no button {button!r}; there are {[item['text'] for item in buttons]}")
