"""What a message can hold: text, caption, photograph, document. As a bot gave it, checked."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.bot_api.html_entities import parse, utf16
from simulator.bot_api.method_call import MethodCall
from simulator.errors import bad_request

_TEXT: Final = 4096
_CAPTION: Final = 1024
_DOCUMENT_BYTES: Final = 50 * 2**20

Content = dict[str, Any]


def text(call: MethodCall) -> Content:
    """`text` and `entities`. Raises `ApiError`."""
    words, entities = parse(call.text("text"), call.text("parse_mode"))
    if not words:
        raise bad_request("message text is empty")
    if utf16(words) > _TEXT:
        raise bad_request("message is too long")
    return {"text": words} | ({"entities": entities} if entities else {})


def caption(given: Mapping[str, Any]) -> Content:
    """`caption` and `caption_entities` of a call or of one medium. Raises `ApiError`."""
    words, entities = parse(str(given.get("caption") or ""), str(given.get("parse_mode") or ""))
    if utf16(words) > _CAPTION:
        raise bad_request("message caption is too long")
    return ({"caption": words} if words else {}) | ({"caption_entities": entities} if entities else {})


def photo(call: MethodCall, what: object) -> Content:
    """`photo`, uploaded or by its id. Raises `ApiError`."""
    if not what:
        raise bad_request("there is no photo in the request")
    files = call.world.files
    upload = call.upload(what)
    sizes = files.photo_of_bot(upload.data, upload.name) if upload else files.photo(files.get(str(what)))
    return {"photo": [size.size() for size in sizes]}


def document(call: MethodCall, what: object) -> Content:
    """`document`, uploaded or by its id. Raises `ApiError`."""
    if not what:
        raise bad_request("there is no document in the request")
    files = call.world.files
    upload = call.upload(what)
    if upload is None:
        return {"document": files.get(str(what)).document()}
    if not upload.data:
        raise bad_request("file must be non-empty")
    if len(upload.data) > _DOCUMENT_BYTES:
        raise bad_request("file is too big")
    file = files.add(upload.data, upload.name, upload.mime)
    files.sent_by_bot(file)
    return {"document": file.document()}


def medium(call: MethodCall, given: Mapping[str, Any]) -> Content:
    """An `InputMedia` with its caption. Raises `ApiError`."""
    kinds = {"photo": photo, "document": document}
    if given.get("type") not in kinds:
        raise bad_request(f"the stand-in knows media of type photo and document, not {given.get('type')}")
    return kinds[given["type"]](call, given.get("media")) | caption(given)
