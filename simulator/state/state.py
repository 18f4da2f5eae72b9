"""The whole state of the simulator: users, groups, bots, files, calls and faults."""

from typing import Any, Final

from simulator.errors import ApiError
from simulator.state.bot_account import BotAccount
from simulator.state.call_log import CallLog
from simulator.state.chat import Chat
from simulator.state.faults import FaultInjector
from simulator.state.file_store import FileStore

_FIRST_USER_ID: Final = 100_001
_FIRST_GROUP_ID: Final = -100_001
#: The fields that a private chat has in common with its user.
_CHAT_FIELDS: Final = ("id", "first_name", "last_name", "username")


class SimulatorState:
    """The state of a simulator. All of it is in memory."""

    def __init__(self, started_at: float = 0.0) -> None:
        """Create a state without users.

        Args:
            started_at: Seconds since the epoch. All ids begin there, since Telegram never uses an id twice: a bot
                still knows users and messages of the last run, and skips updates before the last that it has handled.
        """
        #: Milliseconds: a run with fewer than a thousand users or updates a second stays below the ids of the next.
        self._first_id = int(started_at * 1000)
        #: Only seconds, as Telegram's ids of messages have 32 bits. The chat of a message is new in any case.
        self._first_message_id = int(started_at) % 2**31
        self.files = FileStore()
        self.calls = CallLog()
        self.faults = FaultInjector()
        self.bots: dict[str, BotAccount] = {}
        self.users: dict[int, dict[str, Any]] = {}
        self.groups: dict[int, tuple[dict[str, Any], list[int]]] = {}
        #: The bot of users that name none: the newest bot, or the last that called `getMe`.
        self.latest_bot: BotAccount | None = None
        self._rate_limits_enabled = True

    def get_or_create_bot(self, token: str) -> BotAccount:
        """The bot with this token. Raises `ApiError` for a malformed token."""
        bot = self.bots.get(token)
        if bot is None:
            bot = self.latest_bot = self.bots[token] = BotAccount(
                token,
                rate_limits=self._rate_limits_enabled,
                first_message_id=self._first_message_id + 1,
                first_update_id=self._first_id + 1,
            )
        return bot

    @property
    def rate_limits_enabled(self) -> bool:
        """True if Telegram's rate limits on messages apply, to all present and future bots."""
        return self._rate_limits_enabled

    @rate_limits_enabled.setter
    def rate_limits_enabled(self, enabled: bool) -> None:
        self._rate_limits_enabled = enabled
        for bot in self.bots.values():
            bot.rate_limits.enabled = enabled

    def add_user(self, first_name: str, language_code: str, **optional: str | None) -> dict[str, Any]:
        """Add a user. `optional` fields that are empty are left out."""
        user_id = self._first_id + _FIRST_USER_ID + len(self.users)
        user = {"id": user_id, "is_bot": False, "first_name": first_name, "language_code": language_code}
        self.users[user_id] = user | {name: value for name, value in optional.items() if value}
        return self.users[user_id]

    def add_group(self, title: str, members: list[int]) -> dict[str, Any]:
        """Add a group of users that contains every bot."""
        group_id = _FIRST_GROUP_ID - self._first_id - len(self.groups)
        self.groups[group_id] = {"id": group_id, "type": "group", "title": title}, members
        return self.groups[group_id][0]

    def migrate_group(self, group_id: int) -> dict[str, Any]:
        """Make a supergroup of a group. It has a new id and no messages. Raises `ApiError`."""
        if group_id not in self.groups:
            raise ApiError(404, f"there is no group {group_id}")
        info, members = self.groups[group_id]
        supergroup = self.add_group(info["title"], members)
        supergroup["type"] = "supergroup"
        for bot in self.bots.values():
            self.get_chat(bot, group_id).migrated_to = supergroup["id"]
            self.get_chat(bot, supergroup["id"])
        return supergroup

    def find_bot(self, bot_id: object = None) -> BotAccount:
        """The bot with this id or username, or the latest for None. Raises `ApiError`."""
        if bot_id is None:
            if self.latest_bot is None:
                raise ApiError(409, "no bot has called yet: start it with this address as its Bot API")
            return self.latest_bot
        for bot in self.bots.values():
            if str(bot_id).removeprefix("@") in (str(bot.id), bot.info["username"]):
                return bot
        raise ApiError(404, f"there is no bot {bot_id}")

    def get_chat(self, bot: BotAccount, id_: int) -> Chat:
        """The chat of a user or group with `bot`. Raises `ApiError`."""
        chat = bot.chats.get(id_)
        if chat is None:
            chat = bot.chats[id_] = self._create_chat(id_)
        return chat

    def _create_chat(self, id_: int) -> Chat:
        if id_ in self.groups:
            chat = Chat(*self.groups[id_])
            chat.has_started = True
            return chat
        user = self.users.get(id_)
        if user is None:
            raise ApiError(404, f"there is no user or group {id_}")
        return Chat({name: user[name] for name in _CHAT_FIELDS if name in user} | {"type": "private"}, [id_])
