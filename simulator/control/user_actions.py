"""What people do in a chat: send, press buttons, block the bot."""

import secrets
import time
from typing import Any

from simulator.errors import ApiError, bad_request
from simulator.state.bot_account import BotAccount
from simulator.state.chat import Chat, Message
from simulator.state.state import SimulatorState


class UserActions:
    """UserActions of people towards bots. Each raises `ApiError` where it cannot be done."""

    def __init__(self, state: SimulatorState) -> None:
        self._state = state

    def send_message(
        self, bot: BotAccount, user_id: int, content: dict[str, Any], *, chat: int, reply_to: int | None = None
    ) -> Message:
        """Put a message of `person` into `chat` and bring the update to `bot`."""
        conversation = self._state.get_chat(bot, chat)
        original = None
        if reply_to is not None:
            original = conversation.find_message(reply_to)
            if original is None:
                raise bad_request("there is no message to reply to")
            content = content | {
                "reply_to_message": {key: value for key, value in original.items() if key != "reply_to_message"}
            }
        conversation.has_started = True
        if conversation.blocked:
            # As Telegram's apps: who writes to a bot takes the blocking back.
            self.set_blocked(bot, user_id, blocked=False)
        message = bot.add_message(conversation, self._get_user(user_id), content)
        if conversation.id > 0 or _is_visible_to(bot, content, original):
            conversation.message_states[message["message_id"]].update_id = bot.updates.add("message", message)
        return message

    def press_button(self, bot: BotAccount, user_id: int, message_id: int, button: str, *, chat: int) -> None:
        """Press the button whose data, its part before the colon, or the beginning of data or text is `button`."""
        conversation = self._state.get_chat(bot, chat)
        message = conversation.find_message(message_id)
        if message is None:
            raise bad_request("there is no such message")
        query = secrets.token_hex(8)
        bot.add_callback_query(query, conversation)
        bot.updates.add(
            "callback_query",
            {
                "id": query,
                "from": self._get_user(user_id),
                # As it is now: it may be edited before the bot fetches the update.
                "message": dict(message),
                "chat_instance": str(conversation.id),
                "data": _find_callback_data(message, button),
            },
        )

    def set_blocked(self, bot: BotAccount, user_id: int, *, blocked: bool) -> None:
        """Block the bot, or take it back."""
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
        found = self._state.users.get(user_id)
        if found is None:
            raise ApiError(404, f"there is no person {user_id}")
        return found


def _is_visible_to(bot: BotAccount, content: dict[str, Any], original: Message | None) -> bool:
    """Whether a bot in privacy mode sees a message of a group: https://core.telegram.org/bots/features#privacy-mode."""
    words = str(content.get("text") or content.get("caption") or "")
    return (
        words.startswith("/")
        or f"@{bot.info['username']}" in words
        or (original is not None and original["from"]["id"] == bot.id)
    )


def _find_callback_data(message: Message, button: str) -> str:
    buttons = [
        one
        for row in message.get("reply_markup", {}).get("inline_keyboard", [])
        for one in row
        if "callback_data" in one
    ]
    for fitting in (
        [one for one in buttons if one["callback_data"] == button],
        [one for one in buttons if one["callback_data"].partition(":")[0] == button],
        [one for one in buttons if one["callback_data"].startswith(button) or one["text"].startswith(button)],
    ):
        if fitting:
            return str(fitting[0]["callback_data"])
    raise bad_request(f"there is no button {button!r}; there are {[one['text'] for one in buttons]}")
