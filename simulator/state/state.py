"""Who there is: people, groups and bots. All in memory."""

from typing import Any, Final

from simulator.errors import ApiError
from simulator.state.bot_account import BotAccount
from simulator.state.call_log import CallLog
from simulator.state.chat import Chat
from simulator.state.faults import FaultInjector
from simulator.state.file_store import FileStore

_FIRST_USER_ID: Final = 100_001
_FIRST_GROUP_ID: Final = -100_001
#: What a bot is told of a person's chat.
_CHAT_FIELDS: Final = ("id", "first_name", "last_name", "username")


class SimulatorState:
    """Everything that this stand-in holds."""

    def __init__(self) -> None:
        self.files = FileStore()
        self.calls = CallLog()
        self.faults = FaultInjector()
        self.bots: dict[str, BotAccount] = {}
        self.users: dict[int, dict[str, Any]] = {}
        self.groups: dict[int, tuple[dict[str, Any], list[int]]] = {}
        #: Whom people talk to where they name nobody: the bot that came last, or last asked who it is.
        self.latest_bot: BotAccount | None = None
        self._limits_on = True

    def get_or_create_bot(self, token: str) -> BotAccount:
        """The bot with this token. Raises `ApiError` where it cannot be one."""
        bot = self.bots.get(token)
        if bot is None:
            bot = self.latest_bot = self.bots[token] = BotAccount(token, rate_limits=self._limits_on)
        return bot

    @property
    def limits_on(self) -> bool:
        """Whether Telegram's limits on messages hold, for all bots and those to come."""
        return self._limits_on

    @limits_on.setter
    def limits_on(self, on: bool) -> None:
        self._limits_on = on
        for bot in self.bots.values():
            bot.rate_limits.enabled = on

    def add_user(self, first_name: str, language_code: str, **more: str | None) -> dict[str, Any]:
        """A new person."""
        id_ = _FIRST_USER_ID + len(self.users)
        person = {"id": id_, "is_bot": False, "first_name": first_name, "language_code": language_code}
        self.users[id_] = person | {name: value for name, value in more.items() if value}
        return self.users[id_]

    def add_group(self, title: str, members: list[int]) -> dict[str, Any]:
        """A new group of people, in which every bot is."""
        id_ = _FIRST_GROUP_ID - len(self.groups)
        self.groups[id_] = {"id": id_, "type": "group", "title": title}, members
        return self.groups[id_][0]

    def find_bot(self, bot_id: object = None) -> BotAccount:
        """The bot with this id or username, else the latest. Raises `ApiError`."""
        if bot_id is None:
            if self.latest_bot is None:
                raise ApiError(409, "no bot has called yet: start it with this address as its Bot API")
            return self.latest_bot
        for bot in self.bots.values():
            if str(bot_id).removeprefix("@") in (str(bot.id), bot.info["username"]):
                return bot
        raise ApiError(404, f"there is no bot {bot_id}")

    def get_chat(self, bot: BotAccount, id_: int) -> Chat:
        """The conversation of a person or group with `bot`. Raises `ApiError`."""
        chat = bot.chats.get(id_)
        if chat is None:
            chat = bot.chats[id_] = self._create_chat(id_)
        return chat

    def _create_chat(self, id_: int) -> Chat:
        if id_ in self.groups:
            chat = Chat(*self.groups[id_])
            chat.has_started = True
            return chat
        person = self.users.get(id_)
        if person is None:
            raise ApiError(404, f"there is no person or group {id_}")
        return Chat({name: person[name] for name in _CHAT_FIELDS if name in person} | {"type": "private"}, [id_])
