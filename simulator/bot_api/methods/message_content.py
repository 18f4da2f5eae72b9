"""Reads the content of a message from the parameters of a call: text, caption, photo, document."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.bot_api.html_entities import parse_text
from simulator.bot_api.method_call import MethodCall
from simulator.errors import bad_request
from simulator.utf16 import utf16_length

_MAX_TEXT_LENGTH: Final = 4096
_MAX_CAPTION_LENGTH: Final = 1024
_MAX_DOCUMENT_BYTES: Final = 50 * 2**20

Content = dict[str, Any]


def read_text(call: MethodCall) -> Content:
    """`text` and `entities`. Raises `ApiError`."""
    text, entities = parse_text(call.get_text("text"), call.get_text("parse_mode"))
    if not text:
        raise bad_request("message text is empty")
    if utf16_length(text) > _MAX_TEXT_LENGTH:
        raise bad_request("message is too long")
    return {"text": text} | ({"entities": entities} if entities else {})


def read_caption(parameters: Mapping[str, Any]) -> Content:
    """`caption` and `caption_entities` of a call or of an `InputMedia`. Raises `ApiError`."""
    caption, entities = parse_text(str(parameters.get("caption") or ""), str(parameters.get("parse_mode") or ""))
    if utf16_length(caption) > _MAX_CAPTION_LENGTH:
        raise bad_request("message caption is too long")
    return ({"caption": caption} if caption else {}) | ({"caption_entities": entities} if entities else {})


def read_photo(call: MethodCall, value: object) -> Content:
    """`photo` from an upload or a file id. Raises `ApiError`."""
    if not value:
        raise bad_request("there is no photo in the request")
    files = call.state.files
    upload = call.get_upload(value)
    sizes = files.add_bot_photo(upload.data, upload.name) if upload else files.get_photo_sizes(files.get(str(value)))
    return {"photo": [size.photo_size_info() for size in sizes]}


def read_document(call: MethodCall, value: object) -> Content:
    """`document` from an upload or a file id. Raises `ApiError`."""
    if not value:
        raise bad_request("there is no document in the request")
    files = call.state.files
    upload = call.get_upload(value)
    if upload is None:
        return {"document": files.get(str(value)).document_info()}
    if not upload.data:
        raise bad_request("file must be non-empty")
    if len(upload.data) > _MAX_DOCUMENT_BYTES:
        raise bad_request("file is too big")
    file = files.add(upload.data, upload.name, upload.mime)
    files.mark_sent_by_bot(file)
    return {"document": file.document_info()}


def read_media(call: MethodCall, media: Mapping[str, Any]) -> Content:
    """The content of an `InputMedia`, with its caption. Raises `ApiError`."""
    readers = {"photo": read_photo, "document": read_document}
    if media.get("type") not in readers:
        raise bad_request(f"the simulator supports media of type photo and document, not {media.get('type')}")
    return readers[media["type"]](call, media.get("media")) | read_caption(media)
