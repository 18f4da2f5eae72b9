"""Reads the parameters of a call from the query, a JSON body, a form or a multipart body."""

import json
from typing import Any, Final

from aiohttp import web
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from simulator.bot_api.method_call import Upload
from simulator.errors import ApiError, bad_request

#: Above the largest document that a bot may send.
MAX_BODY_BYTES: Final = 64 * 2**20


async def read_parameters(request: web.Request) -> dict[str, Any]:
    """All parameters by name; a file is an `Upload`. Raises `ApiError`."""
    parameters: dict[str, Any] = dict(request.query)
    # aiohttp's own parsing of the content type and of multipart bodies costs as much as the rest of a call.
    content_type, options = parse_options_header(request.headers.get("Content-Type", ""))
    if content_type == "application/json":
        parameters |= _parse_json_object(await request.text())
    elif content_type.startswith("multipart/"):
        parameters |= _parse_multipart(await _read_body(request), options.get("boundary", ""))
    else:
        parameters |= dict(await request.post())
    return parameters


async def _read_body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, "Request Entity Too Large") from None


def _parse_multipart(body: bytes, boundary: str) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    part: MultipartSegment | None = None
    chunks: list[bytes] = []
    try:
        with PushMultipartParser(boundary) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    part, chunks = event, []
                elif event:
                    chunks.append(bytes(event))
                elif part is not None:
                    _store_part(parameters, part, b"".join(chunks))
    except (MultipartError, UnicodeDecodeError):
        raise bad_request("can't parse the parts of the request") from None
    return parameters


def _store_part(parameters: dict[str, Any], part: MultipartSegment, data: bytes) -> None:
    if not part.name:
        raise bad_request("a part of the request has no name")
    if part.filename is None:
        parameters[part.name] = data.decode()
    else:
        parameters[part.name] = Upload(data, part.filename, part.content_type or "")


def _parse_json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        raise bad_request("can't parse request JSON object") from None
    if not isinstance(value, dict):
        raise bad_request("object expected as JSON request")
    return value
