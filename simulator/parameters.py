"""Parameters of a call as a bot sent them: in the address, as JSON, as a form, with files."""

import json
from typing import Any, Final

from aiohttp import BodyPartReader, web

from simulator.call import Upload
from simulator.errors import ApiError, bad_request

#: More than the largest document.
MOST_BYTES: Final = 64 * 2**20


async def parameters(request: web.Request) -> dict[str, Any]:
    """All of them by name; a file is an `Upload`. Raises `ApiError`."""
    found: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        found |= _object(await request.text())
    elif request.content_type.startswith("multipart/"):
        found |= await _parts(request)
    else:
        found |= dict(await request.post())
    return found


async def _parts(request: web.Request) -> dict[str, Any]:
    found: dict[str, Any] = {}
    size = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise bad_request("a part of the request has no name")
        # aiohttp limits whole bodies only where it reads them itself.
        data = bytes(await part.read())
        size += len(data)
        if size > MOST_BYTES:
            raise ApiError(413, "Request Entity Too Large")
        if part.filename is None:
            found[part.name] = data.decode()
        else:
            found[part.name] = Upload(data, part.filename, part.headers.get("Content-Type", ""))
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        raise bad_request("can't parse request JSON object") from None
    if not isinstance(found, dict):
        raise bad_request("object expected as JSON request")
    return found
