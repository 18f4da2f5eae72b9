"""What a person can send, as the content of a message: from what a script or the page asks for."""

from collections.abc import Callable
from typing import Any, Final

from simulator.bot_api.html_entities import utf16
from simulator.errors import bad_request
from simulator.state.file_store import File, FileStore

Asked = dict[str, Any]
Content = dict[str, Any]

_SIDE: Final = 64


def content(files: FileStore, asked: Asked) -> Content:
    """Content of the message that is `asked` for by its `kind`. Raises `ApiError`."""
    kind = asked.get("kind")
    if kind not in _KINDS:
        raise bad_request(f"people send {', '.join(_KINDS)}, not {kind}")
    found = _KINDS[kind](files, asked)
    if kind != "text" and asked.get("caption"):
        found["caption"] = str(asked["caption"])
    if asked.get("media_group_id"):
        found["media_group_id"] = str(asked["media_group_id"])
    if asked.get("forwarded"):
        found["forward_origin"] = {"type": "hidden_user", "date": 0, "sender_user_name": "someone"}
    return found


def photo(files: FileStore, handle: str) -> Content:
    """A photograph that was uploaded before, in Telegram's sizes."""
    return {"photo": [size.size() for size in files.photo(files.get(handle))]}


def _text(_: FileStore, asked: Asked) -> Content:
    text = str(asked["text"])
    if not text.strip():
        raise bad_request("message text is empty")
    if not text.startswith("/"):
        return {"text": text}
    return {"text": text, "entities": [{"type": "bot_command", "offset": 0, "length": utf16(text.split()[0])}]}


def _photo(files: FileStore, asked: Asked) -> Content:
    return photo(files, str(asked["file"]))


def _document(files: FileStore, asked: Asked) -> Content:
    file = files.get(str(asked["file"]))
    name, mime = asked.get("name"), asked.get("mime")
    if name or mime:
        file = files.add(file.data, str(name or file.name), str(mime or file.mime))
    return {"document": file.document()}


def _voice(files: FileStore, asked: Asked) -> Content:
    return {"voice": _lasting(_given(files, asked, "voice.ogg", "audio/ogg"))}


def _sticker(files: FileStore, asked: Asked) -> Content:
    about = _given(files, asked, "sticker.webp", "image/webp").named()
    about |= {"type": "regular", "is_animated": False, "is_video": False, "emoji": "👍"}
    return {"sticker": about | {"width": 512, "height": 512}}


def _video(files: FileStore, asked: Asked) -> Content:
    return {"video": _moving(_given(files, asked, "video.mp4", "video/mp4"))}


def _animation(files: FileStore, asked: Asked) -> Content:
    file = _given(files, asked, "animation.mp4", "video/mp4")
    # As Telegram, for bots from before there were animations.
    return {"animation": _moving(file), "document": file.document()}


def _live_photo(files: FileStore, asked: Asked) -> Content:
    still = photo(files, str(asked["file"]))
    # The still picture is in `photo` too, for bots from before there were live photographs.
    return still | {"live_photo": _moving(files.add(b"moving", "live.mp4", "video/mp4")) | still}


_KINDS: Final[dict[str, Callable[[FileStore, Asked], Content]]] = {
    "text": _text,
    "photo": _photo,
    "document": _document,
    "voice": _voice,
    "sticker": _sticker,
    "video": _video,
    "animation": _animation,
    "live_photo": _live_photo,
}


def _given(files: FileStore, asked: Asked, name: str, mime: str) -> File:
    """The file that is asked for, or something small where none is."""
    data = files.get(str(asked["file"])).data if asked.get("file") else name.encode()
    return files.add(data, name, mime)


def _lasting(file: File) -> Content:
    return file.named() | {"mime_type": file.mime, "duration": 1}


def _moving(file: File) -> Content:
    return _lasting(file) | {"width": _SIDE, "height": _SIDE}
