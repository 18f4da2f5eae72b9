"""Plays people from a script: the client of a running stand-in."""

import asyncio
import json
from collections.abc import Callable
from io import BytesIO
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientSession, ClientTimeout

Message = dict[str, Any]


class SimulatorError(Exception):
    """Raised when the stand-in refuses what a script asks for; the message says why."""


class Simulator:
    """A running stand-in at `base_url`; an asynchronous context manager."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url.rstrip("/")
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connections."""
        self._session = ClientSession(timeout=ClientTimeout(total=None))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        await self.session.close()

    @property
    def session(self) -> ClientSession:
        """The open session. Raises `SimulatorError` outside of `async with`."""
        if self._session is None:
            raise SimulatorError("use it in `async with`")
        return self._session

    async def person(self, first_name: str = "Anna", language_code: str = "en", **more: str) -> "Person":
        """A new person; `more` may hold `last_name` and `username`."""
        asked = {"first_name": first_name, "language_code": language_code, **more}
        return Person(self, (await self.post("/sim/people", asked))["id"])

    async def group(self, title: str) -> int:
        """A new group with the bot in it; returns its id."""
        return int((await self.post("/sim/groups", {"title": title}))["id"])

    async def upload(self, data: bytes, name: str = "mole.jpg", mime: str = "image/jpeg") -> str:
        """Bring bytes once, to send them often."""
        async with self.session.post(
            f"{self._base}/sim/files", params={"name": name, "mime": mime}, data=BytesIO(data)
        ) as reply:
            return str((await reply.json())["result"])

    async def faults(self, rate: float, **more: Any) -> None:
        """Let a share of the bot's calls fail; `kinds`, `methods`, `seed`, `retry_after` as in `simulator.faults`."""
        await self.post("/sim/faults", {"rate": rate, **more})

    async def limits(self, *, on: bool) -> None:
        """Switch Telegram's limits on messages."""
        await self.post("/sim/limits", {"on": on})

    async def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """Calls of the bot after the one with that number."""
        return list(await self.get(f"/sim/calls?since={since}"))

    async def repeat(self, update_id: int) -> None:
        """Bring an update once more."""
        await self.post("/sim/repeat", {"update_id": update_id})

    async def get(self, path: str) -> Any:
        """Ask the stand-in's own API."""
        async with self.session.get(self._base + path) as reply:
            return _result(await reply.json())

    async def post(self, path: str, what: dict[str, Any]) -> Any:
        """Tell the stand-in's own API."""
        async with self.session.post(self._base + path, json=what) as reply:
            return _result(await reply.json())

    async def bytes_of(self, file_id: str) -> bytes:
        """Bytes of a file."""
        async with self.session.get(f"{self._base}/sim/files/{file_id}") as reply:
            return await reply.read()

    def live(self, chat: int) -> Any:
        """The stream of what happens in a chat."""
        return self.session.get(f"{self._base}/sim/chats/{chat}/live")


class Person:
    """Someone who chats with the bot. `chat` is a group's id where it is not their own chat."""

    def __init__(self, simulator: Simulator, id_: int) -> None:
        self._simulator = simulator
        self.id = id_

    async def text(self, text: str, *, chat: int | None = None, reply_to: int | None = None) -> int:
        """Write; returns the message's id."""
        return await self._send(kind="text", text=text, chat=chat, reply_to=reply_to)

    async def photo(self, picture: bytes | str, **more: Any) -> int:
        """Send a photograph, as bytes or uploaded before; `more`: caption, media_group_id, forwarded, chat."""
        return await self._send(kind="photo", file=await self._file(picture, "mole.jpg", "image/jpeg"), **more)

    async def document(self, data: bytes | str, name: str, mime: str, **more: Any) -> int:
        """Send a file."""
        return await self._send(kind="document", file=await self._file(data, name, mime), **more)

    async def odd(self, kind: str, data: bytes | None = None) -> int:
        """Send a voice, a sticker, a video or an animation."""
        file = await self._file(data, "odd", "image/gif") if data is not None else None
        return await self._send(kind=kind, file=file)

    async def press(self, message_id: int, button: str, *, chat: int | None = None) -> None:
        """Press a button by its data, the part of it before the colon, or the beginning of its text."""
        asked = {"message_id": message_id, "data": button, "chat": chat}
        await self._simulator.post(f"/sim/people/{self.id}/presses", asked)

    async def block(self, *, blocked: bool = True) -> None:
        """Block the bot, or take it back."""
        await self._simulator.post(f"/sim/people/{self.id}/block", {"blocked": blocked})

    async def messages(self, chat: int | None = None) -> list[Message]:
        """The chat in order; `sim` of a message says when it was sent and edited."""
        return list((await self._chat(chat))["messages"])

    async def actions(self) -> list[str]:
        """Chat actions that were shown."""
        return list((await self._chat(None))["actions"])

    async def toasts(self) -> list[str]:
        """What presses of buttons were answered with."""
        return list((await self._chat(None))["toasts"])

    async def wait_for(
        self, holds: Callable[[Message], bool], timeout_s: float = 30, *, chat: int | None = None
    ) -> Message:
        """The first message of the bot, new or edited, for which `holds`. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout_s), self._simulator.live(chat or self.id) as stream:
            async for line in stream.content:
                if not line.startswith(b"data: "):
                    continue
                event = json.loads(line[6:])
                if event["kind"] == "message" and event["message"]["from"]["is_bot"] and holds(event["message"]):
                    return dict(event["message"])
        raise SimulatorError("the stand-in ended")

    async def download(self, file_id: str) -> bytes:
        """Bytes of a file that the bot sent."""
        return await self._simulator.bytes_of(file_id)

    async def _chat(self, chat: int | None) -> dict[str, Any]:
        return dict(await self._simulator.get(f"/sim/chats/{chat or self.id}"))

    async def _send(self, **what: Any) -> int:
        return int(await self._simulator.post(f"/sim/people/{self.id}/messages", what))

    async def _file(self, data: bytes | str, name: str, mime: str) -> str:
        return data if isinstance(data, str) else await self._simulator.upload(data, name, mime)


def _result(reply: dict[str, Any]) -> Any:
    if "error" in reply:
        raise SimulatorError(reply["error"])
    return reply["result"]
