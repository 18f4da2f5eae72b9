"""A chat with a bot: its messages, and the facts about each that Telegram does not show."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

Message = dict[str, Any]


@dataclass(slots=True)
class MessageState:
    """Facts about a message that Telegram does not show. Times are seconds of the monotonic clock."""

    sent_at: float
    edited_at: float | None = None
    edits: int = 0
    deleted: bool = False
    #: The update with which the bot got the message.
    update_id: int | None = None
    #: Ids of the bot's messages that reply to this one.
    replies: list[int] = field(default_factory=list)


class Chat:
    """The chat of one user, or of a group, with a bot."""

    def __init__(self, info: dict[str, Any], members: list[int]) -> None:
        self.id = int(info["id"])
        self.info = info
        self.members = members
        self.messages: dict[int, Message] = {}
        self.message_states: dict[int, MessageState] = {}
        self.actions: list[str] = []
        self.toasts: list[str] = []
        #: A bot cannot write to a user who never wrote to it.
        self.has_started = False
        self.blocked = False
        #: The id of the supergroup that this group has become.
        self.migrated_to: int | None = None
        #: What the bot may not send here: photos, messages.
        self.forbidden: frozenset[str] = frozenset()
        #: The topics of a forum group or private chat, by the id of the message that opened each.
        self.topics: set[int] = set()
        #: Each is called with every event, as JSON.
        self.subscribers: set[Callable[[str], None]] = set()

    def find_message(self, message_id: object) -> Message | None:
        """The message with this id, None if there is none or it is deleted."""
        message = self.messages.get(message_id) if isinstance(message_id, int) else None
        return None if message is None or self.message_states[message["message_id"]].deleted else message

    def add_message(self, message: Message) -> None:
        """Append a message."""
        message_id = message["message_id"]
        self.messages[message_id] = message
        self.message_states[message_id] = MessageState(time.monotonic())
        original = self.message_states.get(message.get("reply_to_message", {}).get("message_id"))
        if original is not None and message["from"]["is_bot"]:
            original.replies.append(message_id)
        self._publish({"kind": "message", "message": message})

    def edit_message(self, message: Message, new: Message) -> None:
        """Replace the content of a message by that of `new`."""
        state = self.message_states[message["message_id"]]
        state.edited_at, state.edits = time.monotonic(), state.edits + 1
        message.clear()
        message.update(new, edit_date=int(time.time()))
        self._publish({"kind": "message", "message": message})

    def delete_message(self, message: Message) -> None:
        """Mark a message as deleted. The chat page hides it; scripts still get it."""
        self.message_states[message["message_id"]].deleted = True
        self._publish({"kind": "deleted", "message_id": message["message_id"]})

    def add_action(self, action: str) -> None:
        """Show a chat action of the bot, such as typing."""
        self.actions.append(action)
        del self.actions[:-100]
        self._publish({"kind": "action", "action": action})

    def add_toast(self, text: str, *, alert: bool) -> None:
        """Show the bot's answer to a button press."""
        self.toasts.append(text)
        del self.toasts[:-100]
        self._publish({"kind": "toast", "text": text, "alert": alert})

    def list_messages(self) -> list[Message]:
        """All messages in order, each with its state."""
        return [
            message | {"edited": state.edits, "deleted": state.deleted, "sim": asdict(state)}
            for message, state in zip(self.messages.values(), self.message_states.values(), strict=True)
        ]

    def _publish(self, event: dict[str, Any]) -> None:
        """Send an event to all subscribers. It is serialised now, since a message may change before they read it."""
        if self.subscribers:
            text = json.dumps(event)
            for subscriber in tuple(self.subscribers):
                subscriber(text)
