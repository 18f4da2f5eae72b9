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

    def __init__(self, world: SimulatorState) -> None:
        self._world = world

    def send(
        self, bot: BotAccount, person: int, content: dict[str, Any], *, chat: int, reply_to: int | None = None
    ) -> Message:
        """Put a message of `person` into `chat` and bring the update to `bot`."""
        conversation = self._world.conversation(bot, chat)
        original = None
        if reply_to is not None:
            original = conversation.find(reply_to)
            if original is None:
                raise bad_request("there is no message to reply to")
            content = content | {
                "reply_to_message": {key: value for key, value in original.items() if key != "reply_to_message"}
            }
        conversation.known = True
        if conversation.blocked:
            # As Telegram's apps: who writes to a bot takes the blocking back.
            self.block(bot, person, blocked=False)
        message = bot.add(conversation, self._sender(person), content)
        if conversation.id > 0 or _is_for(bot, content, original):
            conversation.notes[message["message_id"]].update_id = bot.updates.add("message", message)
        return message

    def press(self, bot: BotAccount, person: int, message_id: int, button: str, *, chat: int) -> None:
        """Press the button whose data, its part before the colon, or the beginning of data or text is `button`."""
        conversation = self._world.conversation(bot, chat)
        message = conversation.find(message_id)
        if message is None:
            raise bad_request("there is no such message")
        query = secrets.token_hex(8)
        bot.pressed(query, conversation)
        bot.updates.add(
            "callback_query",
            {
                "id": query,
                "from": self._sender(person),
                # As it is now: it may be edited before the bot fetches the update.
                "message": dict(message),
                "chat_instance": str(conversation.id),
                "data": _data(message, button),
            },
        )

    def block(self, bot: BotAccount, person: int, *, blocked: bool) -> None:
        """Block the bot, or take it back."""
        chat = self._world.conversation(bot, person)
        if chat.blocked is blocked:
            return
        chat.blocked = blocked
        bot.updates.add("my_chat_member", self._membership(bot, chat, blocked=blocked))

    def _membership(self, bot: BotAccount, chat: Chat, *, blocked: bool) -> dict[str, Any]:
        member = {"user": bot.about, "status": "member"}
        kicked = {"user": bot.about, "status": "kicked", "until_date": 0}
        return {
            "chat": chat.about,
            "from": self._sender(chat.id),
            "date": int(time.time()),
            "old_chat_member": member if blocked else kicked,
            "new_chat_member": kicked if blocked else member,
        }

    def _sender(self, person: int) -> dict[str, Any]:
        found = self._world.people.get(person)
        if found is None:
            raise ApiError(404, f"there is no person {person}")
        return found


def _is_for(bot: BotAccount, content: dict[str, Any], original: Message | None) -> bool:
    """Whether a bot in privacy mode sees a message of a group: https://core.telegram.org/bots/features#privacy-mode."""
    words = str(content.get("text") or content.get("caption") or "")
    return (
        words.startswith("/")
        or f"@{bot.about['username']}" in words
        or (original is not None and original["from"]["id"] == bot.id)
    )


def _data(message: Message, button: str) -> str:
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
