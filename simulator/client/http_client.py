"""The connection of a script to a running stand-in."""

import json
from collections.abc import AsyncGenerator
from io import BytesIO
from typing import Any

from aiohttp import ClientSession, ClientTimeout, TCPConnector

Message = dict[str, Any]


class SimulatorError(Exception):
    """Raised when the stand-in refuses what a script asks for; the message says why."""


class HttpClient:
    """Speaks the stand-in's own API at `base_url`. Open it within a running event loop."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url.rstrip("/")
        # Without a limit: each `wait_for` holds a connection.
        self._session = ClientSession(
            timeout=ClientTimeout(total=None), connector=TCPConnector(limit=0), read_bufsize=2**20
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def get(self, path: str, **query: str | int | None) -> Any:
        """Ask. Raises `SimulatorError`."""
        async with self._session.get(self._base + path, params=_without_none(query)) as reply:
            return _result(await reply.json())

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Tell. Raises `SimulatorError`."""
        async with self._session.post(self._base + path, json=body) as reply:
            return _result(await reply.json())

    async def upload(self, data: bytes, name: str, mime: str) -> str:
        """Bring bytes; returns the handle under which they are kept."""
        query = {"name": name, "mime": mime}
        async with self._session.post(f"{self._base}/sim/files", params=query, data=BytesIO(data)) as reply:
            return str(_result(await reply.json()))

    async def download(self, file_id: str) -> bytes:
        """Bytes of a file. Raises `SimulatorError`."""
        async with self._session.get(f"{self._base}/sim/files/{file_id}") as reply:
            if reply.status != 200:
                raise SimulatorError((await reply.json())["error"])
            return await reply.read()

    async def stream_events(self, chat: int, bot: int | str | None) -> AsyncGenerator[dict[str, Any], None]:
        """What is in a chat, and then what happens there. Raises `SimulatorError`."""
        async with self._session.get(
            f"{self._base}/sim/chats/{chat}/live", params=_without_none({"bot": bot})
        ) as reply:
            if reply.status != 200:
                raise SimulatorError((await reply.json())["error"])
            async for line in reply.content:
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))


def _without_none(query: dict[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in query.items() if value is not None}


def _result(reply: dict[str, Any]) -> Any:
    if "error" in reply:
        raise SimulatorError(reply["error"])
    return reply["result"]
