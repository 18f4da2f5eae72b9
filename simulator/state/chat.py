"""One conversation with a bot: its messages, and what is true of each beside what Telegram shows."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

Message = dict[str, Any]


@dataclass(slots=True)
class MessageState:
    """What is true of a message. Times in seconds of the monotonic clock."""

    sent_at: float
    edited_at: float | None = None
    edits: int = 0
    deleted: bool = False
    #: The update that brought it to the bot.
    update_id: int | None = None
    #: Messages of the bot that reply to it.
    replies: list[int] = field(default_factory=list)


class Chat:
    """A person's conversation with a bot, or a group's."""

    def __init__(self, info: dict[str, Any], members: list[int]) -> None:
        self.id = int(info["id"])
        self.info = info
        self.members = members
        self.messages: dict[int, Message] = {}
        self.message_states: dict[int, MessageState] = {}
        self.actions: list[str] = []
        self.toasts: list[str] = []
        #: A bot cannot write to who never wrote to it.
        self.has_started = False
        self.blocked = False
        #: Each is given an event as JSON.
        self.subscribers: set[Callable[[str], None]] = set()

    def find_message(self, message_id: object) -> Message | None:
        """The message with this number, where it is there and not deleted."""
        message = self.messages.get(message_id) if isinstance(message_id, int) else None
        return None if message is None or self.message_states[message["message_id"]].deleted else message

    def add_message(self, message: Message) -> None:
        """Put a message at the end."""
        number = message["message_id"]
        self.messages[number] = message
        self.message_states[number] = MessageState(time.monotonic())
        replied = self.message_states.get(message.get("reply_to_message", {}).get("message_id"))
        if replied is not None and message["from"]["is_bot"]:
            replied.replies.append(number)
        self.publish({"kind": "message", "message": message})

    def edit_message(self, message: Message, new: Message) -> None:
        """Replace what a message holds."""
        note = self.message_states[message["message_id"]]
        note.edited_at, note.edits = time.monotonic(), note.edits + 1
        message.clear()
        message.update(new, edit_date=int(time.time()))
        self.publish({"kind": "message", "message": message})

    def delete_message(self, message: Message) -> None:
        """Take a message away; scripts still see it, marked."""
        self.message_states[message["message_id"]].deleted = True
        self.publish({"kind": "deleted", "message_id": message["message_id"]})

    def add_action(self, action: str) -> None:
        """Show that the bot is doing something."""
        self.actions.append(action)
        del self.actions[:-100]
        self.publish({"kind": "action", "action": action})

    def add_toast(self, text: str, *, alert: bool) -> None:
        """Show what a press of a button was answered with."""
        self.toasts.append(text)
        del self.toasts[:-100]
        self.publish({"kind": "toast", "text": text, "alert": alert})

    def list_messages(self) -> list[Message]:
        """All messages in order, with what is true of them."""
        return [
            message | {"edited": note.edits, "deleted": note.deleted, "sim": asdict(note)}
            for message, note in zip(self.messages.values(), self.message_states.values(), strict=True)
        ]

    def publish(self, event: dict[str, Any]) -> None:
        """Let those who watch know. As text, because a message may change before they read it."""
        if self.subscribers:
            text = json.dumps(event)
            for watcher in tuple(self.subscribers):
                watcher(text)
