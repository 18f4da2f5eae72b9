"""The client of a running simulator. Scripts need to import only this module."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

from simulator.client.http_client import HttpClient, Message, SimulatorError
from simulator.client.user import Group, User

__all__ = ["Group", "Message", "SimulatorClient", "SimulatorError", "User"]


class SimulatorClient:
    """A client of the simulator at `base_url`; an asynchronous context manager. All methods raise `SimulatorError`."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._open_http: HttpClient | None = None

    async def __aenter__(self) -> Self:
        """Open the connections."""
        self._open_http = HttpClient(self._base_url)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._http.close()

    async def create_user(
        self,
        first_name: str = "Anna",
        language_code: str = "en",
        username: str | None = None,
        last_name: str | None = None,
        *,
        bot: int | str | None = None,
    ) -> User:
        """Create a user who talks to `bot` (id or username). None: the newest bot, or the last that called `getMe`."""
        body = {
            "first_name": first_name,
            "language_code": language_code,
            "username": username,
            "last_name": last_name,
        }
        return User(self._http, (await self._http.post("/sim/users", body))["id"], bot)

    async def create_group(self, title: str, members: Iterable[User] = ()) -> Group:
        """Create a group that contains the bot and `members`."""
        body = {"title": title, "members": [member.id for member in members]}
        return Group(int((await self._http.post("/sim/groups", body))["id"]))

    async def migrate_group(self, group: Group) -> Group:
        """Make a supergroup of a group; returns it."""
        return Group(int((await self._http.post(f"/sim/groups/{group.id}/migration", {}))["id"]))

    async def set_rights(self, group: Group, forbidden: Iterable[str] = ()) -> None:
        """Set what the bot may not send to a group: `photos`, `documents`, or `messages` for nothing at all."""
        await self._http.post(f"/sim/groups/{group.id}/rights", {"forbidden": list(forbidden)})

    async def upload(self, data: bytes, name: str = "photo.jpg", mime: str = "image/jpeg") -> str:
        """Upload a file once, to send it many times; returns its file id."""
        return await self._http.upload(data, name, mime)

    async def get_bots(self) -> list[dict[str, Any]]:
        """The bots that have called, each in the form of `getMe`."""
        return list(await self._http.get("/sim/bots"))

    async def start_load(
        self,
        users: Iterable[User | int],
        images: Sequence[str],
        photos_per_user: int = 4,
        spread_s: float = 0,
        *,
        bot: int | str | None = None,
    ) -> int:
        """Start a load run: each user sends a burst of photos; the bursts are spread evenly over `spread_s` seconds.

        Args:
            users: The users or their ids.
            images: File ids of `upload`, sent in turn.
            photos_per_user: Photos in each burst.
            spread_s: Seconds from the first burst to the end of the run.
            bot: The bot by id or username, None for the latest.

        Returns:
            The id of the load run, at once: the photos are sent in the background.
        """
        body = {
            "user_ids": [user.id if isinstance(user, User) else user for user in users],
            "file_ids": list(images),
            "photos_per_user": photos_per_user,
            "spread_s": spread_s,
            "bot": bot,
        }
        return int(await self._http.post("/sim/load_runs", body))

    async def get_load_progress(self, load_run: int) -> dict[str, int]:
        """Photos of a load run: `expected` in all, `sent`, and `answered` by at least one reply."""
        return dict(await self._http.get("/sim/load_runs/progress", load_run=load_run))

    async def get_load_results(self, load_run: int | None = None) -> list[dict[str, Any]]:
        """One result for each photo of a load run, or of all load runs.

        A result has `chat`, `message_id`, `sent_at`, and `replies` of the bot with `message_id`, `at`, `kind` (text,
        photo or document), `text`, `buttons` (number of rows), `last_edited_at`, `edited` (number of edits) and
        `deleted`. Times are seconds of this machine's monotonic clock (`time.monotonic()`).
        """
        return list(await self._http.get("/sim/load_runs/results", load_run=load_run))

    async def redeliver_update(self, update_id: int, *, bot: int | str | None = None) -> None:
        """Deliver one of the latest 10,000 updates to the bot once more."""
        await self._http.post("/sim/redeliveries", {"update_id": update_id, "bot": bot})

    async def set_faults(
        self,
        rate: float = 0.05,
        kinds: Sequence[str] = ("429", "500", "403", "cut_before", "cut_after"),
        methods: Sequence[str] | None = None,
        seed: int = 1,
        retry_after: int = 1,
        chats: Sequence[int] = (),
    ) -> None:
        """Let a share of the bots' calls fail.

        Args:
            rate: The share, 0 to 1.
            kinds: Kinds to draw from. `cut_before` and `cut_after` cut the connection before or after the call took
                effect, `hang` cuts it once the faults are changed, `unknown_result` lets the call take effect and
                returns something that no bot expects. Calls with the other faults have no effect.
            methods: The methods that fail, None for all but `getUpdates`.
            seed: Seed of the draws.
            retry_after: Seconds that a fault 429 tells the bot to wait.
            chats: Ids of the chats about which calls fail; empty for all.
        """
        body = {"rate": rate, "kinds": list(kinds), "methods": list(methods or ()), "seed": seed}
        await self._http.post("/sim/faults", body | {"retry_after": retry_after, "chats": list(chats)})

    async def clear_faults(self) -> None:
        """Let all calls succeed again."""
        await self.set_faults(rate=0)

    async def set_rate_limits(self, enabled: bool) -> None:
        """Switch Telegram's rate limits on messages on or off, for all bots."""
        await self._http.post("/sim/rate_limits", {"enabled": enabled})

    async def get_calls(self, since: int = 0) -> list[dict[str, Any]]:
        """The calls of the Bot API after the one with `seq` `since`, of the latest 200,000.

        A call has `seq`, `at` (seconds of the monotonic clock), `bot`, `method`, `chat_id`, `message_id` (created, or
        named by the call), `message_ids` (created), `ok`, `error_code`, `fault` and `took_effect`.
        """
        return list(await self._http.get("/sim/calls", since=since))

    async def get(self, path: str) -> Any:
        """Send a GET request to the control API."""
        return await self._http.get(path)

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send a POST request to the control API."""
        return await self._http.post(path, body)

    @property
    def _http(self) -> HttpClient:
        if self._open_http is None:
            raise SimulatorError("SimulatorClient is not open: use it in `async with`")
        return self._open_http
