"""What a message can hold: text, caption, photograph, document. As a bot gave it, checked."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.bot_api.html_entities import parse_text, utf16_length
from simulator.bot_api.method_call import MethodCall
from simulator.errors import bad_request

_MAX_TEXT_LENGTH: Final = 4096
_MAX_CAPTION_LENGTH: Final = 1024
_MAX_DOCUMENT_BYTES: Final = 50 * 2**20

Content = dict[str, Any]


def read_text(call: MethodCall) -> Content:
    """`text` and `entities`. Raises `ApiError`."""
    words, entities = parse_text(call.get_text("text"), call.get_text("parse_mode"))
    if not words:
        raise bad_request("message text is empty")
    if utf16_length(words) > _MAX_TEXT_LENGTH:
        raise bad_request("message is too long")
    return {"text": words} | ({"entities": entities} if entities else {})


def read_caption(given: Mapping[str, Any]) -> Content:
    """`caption` and `caption_entities` of a call or of one medium. Raises `ApiError`."""
    words, entities = parse_text(str(given.get("caption") or ""), str(given.get("parse_mode") or ""))
    if utf16_length(words) > _MAX_CAPTION_LENGTH:
        raise bad_request("message caption is too long")
    return ({"caption": words} if words else {}) | ({"caption_entities": entities} if entities else {})


def read_photo(call: MethodCall, what: object) -> Content:
    """`photo`, uploaded or by its id. Raises `ApiError`."""
    if not what:
        raise bad_request("there is no photo in the request")
    files = call.state.files
    upload = call.get_upload(what)
    sizes = files.add_bot_photo(upload.data, upload.name) if upload else files.get_photo_sizes(files.get(str(what)))
    return {"photo": [size.photo_size_info() for size in sizes]}


def read_document(call: MethodCall, what: object) -> Content:
    """`document`, uploaded or by its id. Raises `ApiError`."""
    if not what:
        raise bad_request("there is no document in the request")
    files = call.state.files
    upload = call.get_upload(what)
    if upload is None:
        return {"document": files.get(str(what)).document_info()}
    if not upload.data:
        raise bad_request("file must be non-empty")
    if len(upload.data) > _MAX_DOCUMENT_BYTES:
        raise bad_request("file is too big")
    file = files.add(upload.data, upload.name, upload.mime)
    files.mark_sent_by_bot(file)
    return {"document": file.document_info()}


def read_media(call: MethodCall, given: Mapping[str, Any]) -> Content:
    """An `InputMedia` with its caption. Raises `ApiError`."""
    kinds = {"photo": read_photo, "document": read_document}
    if given.get("type") not in kinds:
        raise bad_request(f"the stand-in knows media of type photo and document, not {given.get('type')}")
    return kinds[given["type"]](call, given.get("media")) | read_caption(given)
