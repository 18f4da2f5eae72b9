"""What people do in a chat: write, send pictures and files, press buttons, block the bot."""

import secrets
from typing import Any

from simulator.entities import utf16
from simulator.errors import ApiError, bad_request
from simulator.world import Bot, Chat, Message, World


class Deeds:
    """Deeds of people towards the bot that was there last. Each raises `ApiError` where it cannot be done."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, person: int, content: dict[str, Any], *, chat: int | None, reply_to: int | None) -> Message:
        """Put a message of `person` into `chat` (their own where None) and bring the update to the bot."""
        bot, conversation = self._world.conversation(chat or person)
        if reply_to is not None:
            original = conversation.messages.get(reply_to)
            if original is None:
                raise bad_request("there is no message to reply to")
            content = content | {"reply_to_message": original}
        message = bot.add(conversation, self._sender(person), content)
        # In a group a bot sees commands only, as its privacy mode has it.
        if conversation.id > 0 or str(content.get("text", "")).startswith("/"):
            message_update = bot.updates.add("message", message)
            conversation.notes[message["message_id"]]["update_id"] = message_update
        return message

    def text(self, text: str) -> dict[str, Any]:
        """Content of a message of text; a command at its beginning is marked as one."""
        command = text.split()[0] if text.startswith("/") else ""
        entities = [{"type": "bot_command", "offset": 0, "length": utf16(command)}] if command else []
        return {"text": text} | ({"entities": entities} if entities else {})

    def photo(self, file: str, caption: str | None = None, group: str | None = None) -> dict[str, Any]:
        """Content of a message with the photograph that was uploaded as `file`."""
        sizes = self._world.files.photo(self._world.files.get(file).data)
        content: dict[str, Any] = {"photo": [size.size() for size in sizes]}
        return content | _more(caption, group)

    def document(self, file: str, caption: str | None = None) -> dict[str, Any]:
        """Content of a message with a file."""
        return {"document": self._world.files.get(file).document()} | _more(caption, None)

    def odd(self, kind: str, file: str | None) -> dict[str, Any]:
        """Content of a message that is no photograph: voice, sticker, video or animation."""
        about = {"file_id": file or "none", "file_unique_id": "none", "duration": 1, "width": 64, "height": 64}
        content: dict[str, Any] = {kind: about | ({"type": "regular", "is_animated": False, "is_video": False})}
        if kind == "animation" and file is not None:
            # As Telegram: an animation is a document, too.
            content["document"] = self._world.files.get(file).document()
        return content

    def press(self, person: int, message_id: int, data: str, *, chat: int | None) -> None:
        """Press the button whose data, the part of it before the colon, or the beginning of its text is `data`."""
        bot, conversation = self._world.conversation(chat or person)
        message = conversation.messages.get(message_id)
        if message is None:
            raise bad_request("there is no such message")
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        buttons = [one for row in rows for one in row]
        found = next((one for one in buttons if _is_meant(one, data)), None)
        if found is None:
            raise bad_request(f"there is no button {data!r}")
        query = secrets.token_hex(8)
        bot.presses[query] = conversation.id
        bot.updates.add(
            "callback_query",
            {
                "id": query,
                "from": self._sender(person),
                "message": message,
                "chat_instance": str(conversation.id),
                "data": found["callback_data"],
            },
        )

    def block(self, person: int, *, blocked: bool) -> None:
        """Block the bot, or take it back."""
        bot, chat = self._world.conversation(person)
        if chat.blocked is not blocked:
            chat.blocked = blocked
            bot.updates.add("my_chat_member", self._membership(bot, chat, blocked=blocked))

    def _membership(self, bot: Bot, chat: Chat, *, blocked: bool) -> dict[str, Any]:
        status = {True: "kicked", False: "member"}
        details = {True: {"until_date": 0}, False: {}}
        return {
            "chat": chat.about,
            "from": self._sender(chat.id),
            "date": 0,
            "old_chat_member": {"user": bot.about, "status": status[not blocked], **details[not blocked]},
            "new_chat_member": {"user": bot.about, "status": status[blocked], **details[blocked]},
        }

    def _sender(self, person: int) -> dict[str, Any]:
        found = self._world.people.get(person)
        if found is None:
            raise ApiError(404, f"there is no person {person}")
        return found


def _more(caption: str | None, group: str | None) -> dict[str, Any]:
    return ({"caption": caption} if caption else {}) | ({"media_group_id": group} if group else {})


def _is_meant(button: dict[str, Any], by: str) -> bool:
    data = str(button["callback_data"])
    return by in (data, data.partition(":")[0]) or str(button["text"]).startswith(by)
