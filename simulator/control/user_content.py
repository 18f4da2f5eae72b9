"""Builds the content of a user's message from a request of a script or of the chat page."""

from collections.abc import Callable
from typing import Any, Final

from simulator.errors import bad_request
from simulator.state.file_store import File, FileStore
from simulator.utf16 import utf16_length

Request = dict[str, Any]
Content = dict[str, Any]

_SIDE_PX: Final = 64


def forward_content(message: Content) -> Content:
    """The content of a forwarded message, which names the user or bot who sent it first."""
    kept = ("text", "entities", "caption", "caption_entities", "photo", "document", "forward_origin")
    origin = {"type": "user", "date": message["date"], "sender_user": message["from"]}
    return {"forward_origin": origin} | {key: message[key] for key in kept if key in message}


def build_content(files: FileStore, request: Request) -> Content:
    """The content of a message of the requested `kind`. Raises `ApiError`."""
    kind = request.get("kind")
    if kind not in _BUILDERS:
        raise bad_request(f"users send {', '.join(_BUILDERS)}, not {kind}")
    content = _BUILDERS[kind](files, request)
    if kind != "text" and request.get("caption"):
        content["caption"] = str(request["caption"])
        content |= _command_entities(content["caption"], "caption_entities")
    if request.get("media_group_id"):
        content["media_group_id"] = str(request["media_group_id"])
    if request.get("forwarded"):
        content["forward_origin"] = {"type": "hidden_user", "date": 0, "sender_user_name": "someone"}
    return content


def photo_content(files: FileStore, file_id: str) -> Content:
    """An uploaded photo in Telegram's sizes."""
    return {"photo": [size.photo_size_info() for size in files.get_photo_sizes(files.get(file_id))]}


def _text(_: FileStore, request: Request) -> Content:
    text = str(request["text"])
    if not text.strip():
        raise bad_request("message text is empty")
    return {"text": text} | _command_entities(text, "entities")


def _command_entities(text: str, field: str) -> Content:
    if not text.startswith("/"):
        return {}
    return {field: [{"type": "bot_command", "offset": 0, "length": utf16_length(text.split()[0])}]}


def _photo(files: FileStore, request: Request) -> Content:
    return photo_content(files, str(request["file"]))


def _document(files: FileStore, request: Request) -> Content:
    file = files.get(str(request["file"]))
    name, mime = request.get("name"), request.get("mime")
    if name or mime:
        file = files.add(file.data, str(name or file.name), str(mime or file.mime))
    return {"document": file.document_info()}


def _voice(files: FileStore, request: Request) -> Content:
    return {"voice": _with_duration(_file_or_placeholder(files, request, "voice.ogg", "audio/ogg"))}


def _sticker(files: FileStore, request: Request) -> Content:
    info = _file_or_placeholder(files, request, "sticker.webp", "image/webp").media_info()
    info |= {"type": "regular", "is_animated": False, "is_video": False, "emoji": "👍"}
    return {"sticker": info | {"width": 512, "height": 512}}


def _video(files: FileStore, request: Request) -> Content:
    return {"video": _with_dimensions(_file_or_placeholder(files, request, "video.mp4", "video/mp4"))}


def _animation(files: FileStore, request: Request) -> Content:
    file = _file_or_placeholder(files, request, "animation.mp4", "video/mp4")
    # As in Telegram, for bots that do not know animations yet.
    return {"animation": _with_dimensions(file), "document": file.document_info()}


def _live_photo(files: FileStore, request: Request) -> Content:
    still = photo_content(files, str(request["file"]))
    # The still image is in `photo` too, for bots that do not know live photos yet.
    return still | {"live_photo": _with_dimensions(files.add(b"moving", "live.mp4", "video/mp4")) | still}


_BUILDERS: Final[dict[str, Callable[[FileStore, Request], Content]]] = {
    "text": _text,
    "photo": _photo,
    "document": _document,
    "voice": _voice,
    "sticker": _sticker,
    "video": _video,
    "animation": _animation,
    "live_photo": _live_photo,
}


def _file_or_placeholder(files: FileStore, request: Request, name: str, mime: str) -> File:
    """The requested file, or a small placeholder if the request names none."""
    data = files.get(str(request["file"])).data if request.get("file") else name.encode()
    return files.add(data, name, mime)


def _with_duration(file: File) -> Content:
    return file.media_info() | {"mime_type": file.mime, "duration": 1}


def _with_dimensions(file: File) -> Content:
    return _with_duration(file) | {"width": _SIDE_PX, "height": _SIDE_PX}
