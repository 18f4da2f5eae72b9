"""Methods that send, edit and delete messages, as strict as Telegram where a bot could go wrong."""

import json
from typing import Any, Final

from simulator.entities import parse, utf16
from simulator.errors import bad_request
from simulator.files import File
from simulator.world import Bot, Chat, Message, World

_TEXT: Final = 4096
_CAPTION: Final = 1024
_BUTTON_DATA: Final = 64
_DOCUMENT_BYTES: Final = 50 * 2**20

_NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content"
    " and reply markup of the message"
)

Parameters = dict[str, Any]


def send_message(world: World, bot: Bot, call: Parameters) -> Message:
    """`sendMessage`."""
    return _send(bot, call, _text(call))


def send_photo(world: World, bot: Bot, call: Parameters) -> Message:
    """`sendPhoto`."""
    return _send(bot, call, {"photo": _photo(world, call.get("photo"), call), **_caption(call)})


def send_document(world: World, bot: Bot, call: Parameters) -> Message:
    """`sendDocument`."""
    return _send(bot, call, {"document": _document(world, call.get("document"), call), **_caption(call)})


def send_media_group(world: World, bot: Bot, call: Parameters) -> list[Message]:
    """`sendMediaGroup`, of photographs."""
    media = _object(call.get("media")) or []
    if not 2 <= len(media) <= 10:
        raise bad_request("wrong number of media: there must be from 2 to 10")
    contents = [{"photo": _photo(world, one.get("media"), call), **_caption(one)} for one in media]
    group = {"media_group_id": str(len(world.calls.since(0)) + 1)}
    return [_send(bot, call, content | group) for content in contents]


def edit_message_text(world: World, bot: Bot, call: Parameters) -> Message:
    """`editMessageText`."""
    return _edit(bot, call, _text(call), ("text", "entities"))


def edit_message_caption(world: World, bot: Bot, call: Parameters) -> Message:
    """`editMessageCaption`."""
    return _edit(bot, call, _caption(call), ("caption", "caption_entities"))


def edit_message_media(world: World, bot: Bot, call: Parameters) -> Message:
    """`editMessageMedia`; a message of text gets a photograph by it, too."""
    media = _object(call.get("media")) or {}
    if media.get("type") != "photo":
        raise bad_request("the stand-in knows media of type photo only")
    content = {"photo": _photo(world, media.get("media"), call), **_caption(media)}
    return _edit(bot, call, content, ("text", "entities", "photo", "caption", "caption_entities"))


def edit_message_reply_markup(world: World, bot: Bot, call: Parameters) -> Message:
    """`editMessageReplyMarkup`."""
    return _edit(bot, call, {}, ())


def delete_message(world: World, bot: Bot, call: Parameters) -> bool:
    """`deleteMessage`."""
    chat = bot.chat(call.get("chat_id"))
    message = chat.messages.pop(int(call.get("message_id") or 0), None)
    if message is None:
        raise bad_request("message to delete not found")
    chat.tell({"kind": "deleted", "message_id": message["message_id"]})
    return True


def _send(bot: Bot, call: Parameters, content: dict[str, Any]) -> Message:
    chat = bot.chat(call.get("chat_id"))
    markup = _markup(call)
    reply = _object(call.get("reply_parameters")) or {}
    if "message_id" in reply:
        original = chat.messages.get(int(reply["message_id"]))
        if original is not None:
            # As Telegram: the reply of a reply is not nested.
            content["reply_to_message"] = {key: value for key, value in original.items() if key != "reply_to_message"}
        elif not reply.get("allow_sending_without_reply"):
            raise bad_request("message to be replied not found")
    bot.limits.take(chat.id)
    return bot.add(chat, bot.about, content | markup)


def _edit(bot: Bot, call: Parameters, content: dict[str, Any], replaces: tuple[str, ...]) -> Message:
    chat, message = _own(bot, call)
    kept = {key: value for key, value in message.items() if key not in (*replaces, "reply_markup", "edit_date")}
    new = kept | content | _markup(call)
    if {key: value for key, value in message.items() if key != "edit_date"} == new:
        raise bad_request(_NOT_MODIFIED)
    bot.limits.take(chat.id)
    message.clear()
    message.update(new)
    bot.edited(chat, message)
    return message


def _own(bot: Bot, call: Parameters) -> tuple[Chat, Message]:
    chat = bot.chat(call.get("chat_id"))
    message = chat.messages.get(int(call.get("message_id") or 0))
    if message is None:
        raise bad_request("message to edit not found")
    if message["from"]["id"] != bot.id:
        raise bad_request("message can't be edited")
    return chat, message


def _text(call: Parameters) -> dict[str, Any]:
    text, entities = parse(str(call.get("text") or ""), call.get("parse_mode"))
    if not text.strip():
        raise bad_request("message text is empty")
    if utf16(text) > _TEXT:
        raise bad_request("message is too long")
    return {"text": text} | ({"entities": entities} if entities else {})


def _caption(call: Parameters) -> dict[str, Any]:
    text, entities = parse(str(call.get("caption") or ""), call.get("parse_mode"))
    if utf16(text) > _CAPTION:
        raise bad_request("message caption is too long")
    return ({"caption": text} if text else {}) | ({"caption_entities": entities} if entities else {})


def _photo(world: World, what: object, call: Parameters) -> list[dict[str, Any]]:
    upload = _upload(what, call)
    data = upload[0] if upload else world.files.get(str(what)).data
    return [size.size() for size in world.files.drawing(data)]


def _document(world: World, what: object, call: Parameters) -> dict[str, Any]:
    upload = _upload(what, call)
    file: File = world.files.add(*upload) if upload else world.files.get(str(what))
    if len(file.data) > _DOCUMENT_BYTES:
        raise bad_request("file is too big")
    return file.document()


def _upload(what: object, call: Parameters) -> tuple[bytes, str, str] | None:
    """Bytes, name and type of an uploaded part; None where `what` is the id of a file."""
    if isinstance(what, tuple):
        return what
    if isinstance(what, str) and what.startswith("attach://"):
        part = call.get(what.removeprefix("attach://"))
        if not isinstance(part, tuple):
            raise bad_request("there is no file in the request")
        return part
    if not what:
        raise bad_request("there is no photo in the request")
    return None


def _markup(call: Parameters) -> dict[str, Any]:
    markup = _object(call.get("reply_markup"))
    if not markup:
        return {}
    for row in markup.get("inline_keyboard", []):
        for button in row:
            data = button.get("callback_data")
            if data is not None and not 1 <= len(data.encode()) <= _BUTTON_DATA:
                raise bad_request("BUTTON_DATA_INVALID")
            if not button.get("text"):
                raise bad_request(
                    "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
                )
    return {"reply_markup": markup}


def _object(value: object) -> Any:
    """A parameter that is an object: as such in JSON, as text in a form."""
    return json.loads(value) if isinstance(value, str) else value
