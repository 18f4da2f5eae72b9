"""Plays people from a script: the client of a running stand-in, and all that a script has to import."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from simulator.client.http_client import HttpClient, Message, SimulatorError
from simulator.client.user import Group, User

__all__ = ["Group", "Message", "SimulatorClient", "SimulatorError", "User"]


class SimulatorClient:
    """A running stand-in at `base_url`; an asynchronous context manager. All raise `SimulatorError`."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url
        self._open_http: HttpClient | None = None

    async def __aenter__(self) -> Self:
        """Open the connections."""
        self._open_http = HttpClient(self._base)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
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
        """A new person, who talks to `bot` (id or username), or to the one that came last or last called `getMe`."""
        asked = {
            "first_name": first_name,
            "language_code": language_code,
            "username": username,
            "last_name": last_name,
        }
        return User(self._http, (await self._http.post("/sim/people", asked))["id"], bot)

    async def create_group(self, title: str, members: Iterable[User] = ()) -> Group:
        """A new group with the bot in it."""
        asked = {"title": title, "members": [member.id for member in members]}
        return Group(int((await self._http.post("/sim/groups", asked))["id"]))

    async def upload(self, data: bytes, name: str = "photo.jpg", mime: str = "image/jpeg") -> str:
        """Bring bytes once, to send them often; returns a handle."""
        return await self._http.upload(data, name, mime)

    async def get_bots(self) -> list[dict[str, Any]]:
        """The bots that have called, as `getMe` tells of them."""
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
        """Let each of `people` send a burst of `each` photographs, evenly within `spread_s` seconds.

        `pictures` are handles, sent in turn. Returns the number of the crowd at once, before it has sent all.
        """
        ids = [one.id if isinstance(one, User) else one for one in users]
        asked = {"people": ids, "pictures": list(images), "each": photos_per_user, "spread_s": spread_s, "bot": bot}
        return int(await self._http.post("/sim/crowds", asked))

    async def get_load_progress(self, load_run: int) -> dict[str, int]:
        """Of a crowd's photographs: how many are `expected` in all, `sent`, and `answered` by a reply or more."""
        return dict(await self._http.get("/sim/crowds/progress", crowd=load_run))

    async def get_load_results(self, load_run: int | None = None) -> list[dict[str, Any]]:
        """What became of each photograph of a crowd, or of all crowds.

        Each: `chat`, `message_id`, `sent_at`, and `replies` of the bot with `message_id`, `at`, `kind` (text, photo or
        document), `text`, `buttons` (rows), `last_edited_at`, `edited` (how often), `deleted`. Times in seconds of the
        monotonic clock of this machine (`time.monotonic()`).
        """
        return list(await self._http.get("/sim/crowds/outcome", crowd=load_run))

    async def redeliver_update(self, update_id: int, *, bot: int | str | None = None) -> None:
        """Bring one of the latest 10,000 updates to the bot once more."""
        await self._http.post("/sim/repeat", {"update_id": update_id, "bot": bot})

    async def set_faults(
        self,
        rate: float = 0.05,
        kinds: Sequence[str] = ("429", "500", "403", "cut_before", "cut_after"),
        methods: Sequence[str] | None = None,
        seed: int = 1,
        retry_after: int = 1,
    ) -> None:
        """Let a share `rate` of the bots' calls (of `methods`; None: of all but `getUpdates`) fail in one of `kinds`.

        `cut_before` and `cut_after`: the connection is cut before or after the call took effect; the others have none.
        `retry_after` in seconds.
        """
        asked = {"rate": rate, "kinds": list(kinds), "methods": list(methods or ()), "seed": seed}
        await self._http.post("/sim/faults", asked | {"retry_after": retry_after})

    async def clear_faults(self) -> None:
        """Let all calls succeed again."""
        await self.set_faults(rate=0)

    async def set_rate_limits(self, enabled: bool) -> None:
        """Switch Telegram's limits on messages, for all bots."""
        await self._http.post("/sim/limits", {"on": enabled})

    async def get_calls(self, since: int = 0) -> list[dict[str, Any]]:
        """The latest 200,000 calls of the Bot API after the one numbered `since`.

        Each: `seq`, `at` (seconds of the monotonic clock), `bot`, `method`, `chat_id`, `message_id` (made, or named),
        `message_ids` (made), `ok`, `error_code`, `fault`, `took_effect`.
        """
        return list(await self._http.get("/sim/calls", since=since))

    async def get(self, path: str) -> Any:
        """Ask the stand-in's own API."""
        return await self._http.get(path)

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Tell the stand-in's own API."""
        return await self._http.post(path, body)

    @property
    def _http(self) -> HttpClient:
        if self._open_http is None:
            raise SimulatorError("use it in `async with`")
        return self._open_http
