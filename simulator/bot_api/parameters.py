"""Parameters of a call as a bot sent them: in the address, as JSON, as a form, with files."""

import json
from typing import Any, Final

from aiohttp import web
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from simulator.bot_api.method_call import Upload
from simulator.errors import ApiError, bad_request

#: More than the largest document.
MAX_BODY_BYTES: Final = 64 * 2**20


async def read_parameters(request: web.Request) -> dict[str, Any]:
    """All of them by name; a file is an `Upload`. Raises `ApiError`."""
    found: dict[str, Any] = dict(request.query)
    # Not aiohttp's own reading of this and of the parts: it costs as much as the rest of a call.
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if kind == "application/json":
        found |= _parse_json_object(await request.text())
    elif kind.startswith("multipart/"):
        found |= _parse_multipart(await _read_body(request), options.get("boundary", ""))
    else:
        found |= dict(await request.post())
    return found


async def _read_body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, "Request Entity Too Large") from None


def _parse_multipart(body: bytes, boundary: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    part: MultipartSegment | None = None
    data: list[bytes] = []
    try:
        with PushMultipartParser(boundary) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    part, data = event, []
                elif event:
                    data.append(bytes(event))
                elif part is not None:
                    _store_part(found, part, b"".join(data))
    except (MultipartError, UnicodeDecodeError):
        raise bad_request("can't parse the parts of the request") from None
    return found


def _store_part(found: dict[str, Any], part: MultipartSegment, data: bytes) -> None:
    if not part.name:
        raise bad_request("a part of the request has no name")
    if part.filename is None:
        found[part.name] = data.decode()
    else:
        found[part.name] = Upload(data, part.filename, part.content_type or "")


def _parse_json_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        raise bad_request("can't parse request JSON object") from None
    if not isinstance(found, dict):
        raise bad_request("object expected as JSON request")
    return found
