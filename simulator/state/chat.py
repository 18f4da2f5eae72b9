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

    def __init__(self, about: dict[str, Any], members: list[int]) -> None:
        self.id = int(about["id"])
        self.about = about
        self.members = members
        self.messages: dict[int, Message] = {}
        self.notes: dict[int, MessageState] = {}
        self.actions: list[str] = []
        self.toasts: list[str] = []
        #: A bot cannot write to who never wrote to it.
        self.known = False
        self.blocked = False
        #: Each is given an event as JSON.
        self.watchers: set[Callable[[str], None]] = set()

    def find(self, number: object) -> Message | None:
        """The message with this number, where it is there and not deleted."""
        message = self.messages.get(number) if isinstance(number, int) else None
        return None if message is None or self.notes[message["message_id"]].deleted else message

    def add(self, message: Message) -> None:
        """Put a message at the end."""
        number = message["message_id"]
        self.messages[number] = message
        self.notes[number] = MessageState(time.monotonic())
        replied = self.notes.get(message.get("reply_to_message", {}).get("message_id"))
        if replied is not None and message["from"]["is_bot"]:
            replied.replies.append(number)
        self.tell({"kind": "message", "message": message})

    def edit(self, message: Message, new: Message) -> None:
        """Replace what a message holds."""
        note = self.notes[message["message_id"]]
        note.edited_at, note.edits = time.monotonic(), note.edits + 1
        message.clear()
        message.update(new, edit_date=int(time.time()))
        self.tell({"kind": "message", "message": message})

    def delete(self, message: Message) -> None:
        """Take a message away; scripts still see it, marked."""
        self.notes[message["message_id"]].deleted = True
        self.tell({"kind": "deleted", "message_id": message["message_id"]})

    def act(self, action: str) -> None:
        """Show that the bot is doing something."""
        self.actions.append(action)
        del self.actions[:-100]
        self.tell({"kind": "action", "action": action})

    def toast(self, text: str, *, alert: bool) -> None:
        """Show what a press of a button was answered with."""
        self.toasts.append(text)
        del self.toasts[:-100]
        self.tell({"kind": "toast", "text": text, "alert": alert})

    def seen(self) -> list[Message]:
        """All messages in order, with what is true of them."""
        return [
            message | {"edited": note.edits, "deleted": note.deleted, "sim": asdict(note)}
            for message, note in zip(self.messages.values(), self.notes.values(), strict=True)
        ]

    def tell(self, event: dict[str, Any]) -> None:
        """Let those who watch know. As text, because a message may change before they read it."""
        if self.watchers:
            text = json.dumps(event)
            for watcher in tuple(self.watchers):
                watcher(text)
