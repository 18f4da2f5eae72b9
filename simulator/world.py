"""Who there is: people, groups, bots, and the conversations between them. All in memory."""

import time
from collections.abc import Callable
from typing import Any, Final

from simulator.calls import Calls
from simulator.errors import ApiError, bad_request
from simulator.faults import Faults
from simulator.files import Files
from simulator.pacing import Limits
from simulator.updates import Updates
from simulator.webhook import Webhook

Message = dict[str, Any]

_FIRST_PERSON: Final = 100_001
_FIRST_GROUP: Final = -100_001


class Chat:
    """One conversation with a bot: a person's, or a group's."""

    def __init__(self, about: dict[str, Any]) -> None:
        self.about = about
        self.messages: dict[int, Message] = {}
        #: What is true of a message beside what Telegram shows of it: `sent_at`, `edited_at`, `edits`.
        self.notes: dict[int, dict[str, Any]] = {}
        self.actions: list[str] = []
        self.toasts: list[str] = []
        self.blocked = False
        self.left = False
        self.watchers: set[Callable[[dict[str, Any]], None]] = set()

    @property
    def id(self) -> int:
        """Negative for a group."""
        return int(self.about["id"])

    def tell(self, event: dict[str, Any]) -> None:
        """Let those who watch this conversation know."""
        for watcher in tuple(self.watchers):
            watcher(event)


class Bot:
    """One bot: who it is, its conversations, its updates."""

    def __init__(self, token: str) -> None:
        self.id = int(token.split(":")[0])
        self.about = {
            "id": self.id,
            "is_bot": True,
            "first_name": "Bot",
            "username": f"stand_in_{self.id}_bot",
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        self.chats: dict[int, Chat] = {}
        self.updates = Updates()
        self.webhook: Webhook | None = None
        self.limits = Limits()
        self.commands: dict[str, list[dict[str, str]]] = {}
        self.presses: dict[str, int] = {}
        self._next_message = 1

    def chat(self, id_: object) -> Chat:
        """The conversation that a call names. Raises `ApiError`."""
        try:
            chat = self.chats[int(str(id_))]
        except (KeyError, ValueError):
            raise bad_request("chat not found") from None
        if chat.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        if chat.left:
            raise ApiError(403, "Forbidden: bot was kicked from the group chat")
        return chat

    def add(self, chat: Chat, sender: dict[str, Any], content: dict[str, Any]) -> Message:
        """Put a message into a conversation."""
        number = self._next_message
        self._next_message += 1
        now = time.time()
        message = {"message_id": number, "date": int(now), "chat": chat.about, "from": sender, **content}
        chat.messages[number] = message
        chat.notes[number] = {"sent_at": now, "edited_at": None, "edits": 0}
        chat.tell({"kind": "message", "message": message})
        return message

    def edited(self, chat: Chat, message: Message) -> None:
        """Note that a message was edited."""
        note = chat.notes[message["message_id"]]
        note["edited_at"], note["edits"] = time.time(), note["edits"] + 1
        message["edit_date"] = int(note["edited_at"])
        chat.tell({"kind": "message", "message": message})


class World:
    """Everything that this stand-in holds."""

    def __init__(self) -> None:
        self.files = Files()
        self.calls = Calls()
        self.faults = Faults()
        self.limits_on = True
        self.bots: dict[str, Bot] = {}
        self.people: dict[int, dict[str, Any]] = {}
        self.groups: dict[int, dict[str, Any]] = {}
        self.latest: Bot | None = None

    def bot(self, token: str) -> Bot:
        """The bot with this token, which has never to be registered. Raises `ApiError` where it cannot be one."""
        bot = self.bots.get(token)
        if bot is None:
            number, _, secret = token.partition(":")
            if not number.isdigit() or len(secret) < 30:
                raise ApiError(401, "Unauthorized")
            bot = self.bots[token] = Bot(token)
            bot.limits.on = self.limits_on
        self.latest = bot
        return bot

    def person(self, first_name: str, language_code: str, **more: str | None) -> dict[str, Any]:
        """A new person."""
        id_ = _FIRST_PERSON + len(self.people)
        person = {"id": id_, "is_bot": False, "first_name": first_name, "language_code": language_code}
        self.people[id_] = person | {name: value for name, value in more.items() if value}
        return self.people[id_]

    def group(self, title: str) -> dict[str, Any]:
        """A new group, of which the bot is a member."""
        id_ = _FIRST_GROUP - len(self.groups)
        self.groups[id_] = {"id": id_, "type": "group", "title": title}
        return self.groups[id_]

    def conversation(self, id_: int) -> tuple[Bot, Chat]:
        """The conversation of a person or group with the bot that was there last. Raises `ApiError`."""
        bot = self.latest
        if bot is None:
            raise ApiError(409, "no bot has called yet: start it with this address as its Bot API")
        chat = bot.chats.get(id_)
        if chat is None:
            about = self.groups.get(id_)
            if about is None:
                person = self.people.get(id_)
                if person is None:
                    raise ApiError(404, f"there is no person or group {id_}")
                named = ("id", "first_name", "last_name", "username")
                about = {name: person[name] for name in named if name in person} | {"type": "private"}
            chat = bot.chats[id_] = Chat(about)
        return bot, chat
