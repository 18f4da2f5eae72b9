"""HTTP requests to the control API of a running simulator."""

import json
from collections.abc import AsyncGenerator
from io import BytesIO
from typing import Any

from aiohttp import ClientSession, ClientTimeout, TCPConnector

Message = dict[str, Any]


class SimulatorError(Exception):
    """Raised when the simulator refuses a request. The message says why."""


class HttpClient:
    """Sends requests to the control API at `base_url`. Create it in a running event loop."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        # The number of connections is not limited, since each `wait_for_message` holds one.
        self._session = ClientSession(
            timeout=ClientTimeout(total=None), connector=TCPConnector(limit=0), read_bufsize=2**20
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def get(self, path: str, **query: str | int | None) -> Any:
        """Send a GET request. Raises `SimulatorError`."""
        async with self._session.get(self._base_url + path, params=_without_none(query)) as response:
            return _result(await response.json())

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send a POST request. Raises `SimulatorError`."""
        async with self._session.post(self._base_url + path, json=body) as response:
            return _result(await response.json())

    async def upload(self, data: bytes, name: str, mime: str) -> str:
        """Upload a file; returns its file id."""
        query = {"name": name, "mime": mime}
        async with self._session.post(f"{self._base_url}/sim/files", params=query, data=BytesIO(data)) as response:
            return str(_result(await response.json()))

    async def download(self, file_id: str) -> bytes:
        """Download a file. Raises `SimulatorError`."""
        async with self._session.get(f"{self._base_url}/sim/files/{file_id}") as response:
            if response.status != 200:
                raise SimulatorError((await response.json())["error"])
            return await response.read()

    async def stream_events(self, chat: int, bot: int | str | None) -> AsyncGenerator[dict[str, Any], None]:
        """The messages of a chat, then its events as they happen. Raises `SimulatorError`."""
        url = f"{self._base_url}/sim/chats/{chat}/events"
        async with self._session.get(url, params=_without_none({"bot": bot})) as response:
            if response.status != 200:
                raise SimulatorError((await response.json())["error"])
            async for line in response.content:
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))


def _without_none(query: dict[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in query.items() if value is not None}


def _result(body: dict[str, Any]) -> Any:
    if "error" in body:
        raise SimulatorError(body["error"])
    return body["result"]
