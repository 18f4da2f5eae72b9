"""Who there is: people, groups and bots. All in memory."""

from typing import Any, Final

from simulator.errors import ApiError
from simulator.state.bot_account import BotAccount
from simulator.state.call_log import CallLog
from simulator.state.chat import Chat
from simulator.state.faults import FaultInjector
from simulator.state.file_store import FileStore

_FIRST_PERSON: Final = 100_001
_FIRST_GROUP: Final = -100_001
#: What a bot is told of a person's chat.
_NAMES: Final = ("id", "first_name", "last_name", "username")


class SimulatorState:
    """Everything that this stand-in holds."""

    def __init__(self) -> None:
        self.files = FileStore()
        self.calls = CallLog()
        self.faults = FaultInjector()
        self.bots: dict[str, BotAccount] = {}
        self.people: dict[int, dict[str, Any]] = {}
        self.groups: dict[int, tuple[dict[str, Any], list[int]]] = {}
        #: Whom people talk to where they name nobody: the bot that came last, or last asked who it is.
        self.latest: BotAccount | None = None
        self._limits_on = True

    def bot(self, token: str) -> BotAccount:
        """The bot with this token. Raises `ApiError` where it cannot be one."""
        bot = self.bots.get(token)
        if bot is None:
            bot = self.latest = self.bots[token] = BotAccount(token, limits=self._limits_on)
        return bot

    @property
    def limits_on(self) -> bool:
        """Whether Telegram's limits on messages hold, for all bots and those to come."""
        return self._limits_on

    @limits_on.setter
    def limits_on(self, on: bool) -> None:
        self._limits_on = on
        for bot in self.bots.values():
            bot.limits.on = on

    def person(self, first_name: str, language_code: str, **more: str | None) -> dict[str, Any]:
        """A new person."""
        id_ = _FIRST_PERSON + len(self.people)
        person = {"id": id_, "is_bot": False, "first_name": first_name, "language_code": language_code}
        self.people[id_] = person | {name: value for name, value in more.items() if value}
        return self.people[id_]

    def group(self, title: str, members: list[int]) -> dict[str, Any]:
        """A new group of people, in which every bot is."""
        id_ = _FIRST_GROUP - len(self.groups)
        self.groups[id_] = {"id": id_, "type": "group", "title": title}, members
        return self.groups[id_][0]

    def known_bot(self, which: object = None) -> BotAccount:
        """The bot with this id or username, else the latest. Raises `ApiError`."""
        if which is None:
            if self.latest is None:
                raise ApiError(409, "no bot has called yet: start it with this address as its Bot API")
            return self.latest
        for bot in self.bots.values():
            if str(which).removeprefix("@") in (str(bot.id), bot.about["username"]):
                return bot
        raise ApiError(404, f"there is no bot {which}")

    def conversation(self, bot: BotAccount, id_: int) -> Chat:
        """The conversation of a person or group with `bot`. Raises `ApiError`."""
        chat = bot.chats.get(id_)
        if chat is None:
            chat = bot.chats[id_] = self._conversation(id_)
        return chat

    def _conversation(self, id_: int) -> Chat:
        if id_ in self.groups:
            chat = Chat(*self.groups[id_])
            chat.known = True
            return chat
        person = self.people.get(id_)
        if person is None:
            raise ApiError(404, f"there is no person or group {id_}")
        return Chat({name: person[name] for name in _NAMES if name in person} | {"type": "private"}, [id_])
