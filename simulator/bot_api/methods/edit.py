"""Methods that edit or delete messages."""

from typing import Any, Final

from simulator.bot_api.method_call import MethodCall
from simulator.bot_api.methods.message_content import Content, read_caption, read_media, read_text
from simulator.bot_api.methods.reply_markup import read_reply_markup
from simulator.errors import ApiError, bad_request
from simulator.state.chat import Chat, Message

_TEXT_FIELDS: Final = ("text", "entities")
_CAPTION_FIELDS: Final = ("caption", "caption_entities")
_MEDIA_FIELDS: Final = ("photo", "document")
_MAX_DELETED: Final = 100

_NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content"
    " and reply markup of the message"
)


def edit_message_text(call: MethodCall) -> Message:
    """`editMessageText`."""
    chat, message = _find_own_message(call)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    return _edit(call, chat, message, read_text(call), _TEXT_FIELDS)


def edit_message_caption(call: MethodCall) -> Message:
    """`editMessageCaption`."""
    chat, message = _find_own_message(call)
    if not any(kind in message for kind in _MEDIA_FIELDS):
        raise bad_request("there is no caption in the message to edit")
    return _edit(call, chat, message, read_caption(call.parameters), _CAPTION_FIELDS)


def edit_message_media(call: MethodCall) -> Message:
    """`editMessageMedia`. It also turns a text message into one with media."""
    chat, message = _find_own_message(call)
    media = read_media(call, call.get_json("media") or {})
    return _edit(call, chat, message, media, (*_TEXT_FIELDS, *_CAPTION_FIELDS, *_MEDIA_FIELDS))


def edit_message_reply_markup(call: MethodCall) -> Message:
    """`editMessageReplyMarkup`."""
    return _edit(call, *_find_own_message(call), {}, ())


def delete_message(call: MethodCall) -> bool:
    """`deleteMessage`."""
    chat = call.get_chat()
    message = chat.find_message(call.get_int("message_id"))
    if message is None:
        raise bad_request("message to delete not found")
    chat.delete_message(message)
    return True


def delete_messages(call: MethodCall) -> bool:
    """`deleteMessages`. Unknown ids are ignored."""
    chat = call.get_chat()
    message_ids = call.get_json("message_ids") or []
    if not 1 <= len(message_ids) <= _MAX_DELETED:
        raise bad_request("wrong number of messages to delete: there must be from 1 to 100")
    for message in filter(None, map(chat.find_message, message_ids)):
        chat.delete_message(message)
    return True


def _edit(call: MethodCall, chat: Chat, message: Message, content: Content, replaced: tuple[str, ...]) -> Message:
    kept = {key: value for key, value in message.items() if key not in (*replaced, "reply_markup", "edit_date")}
    new = kept | content | read_reply_markup(call)
    if _visible_content(message) == _visible_content(new):
        raise bad_request(_NOT_MODIFIED)
    call.bot.rate_limits.take(chat.id)
    chat.edit_message(message, new)
    return message


def _find_own_message(call: MethodCall) -> tuple[Chat, Message]:
    if call.get_text("inline_message_id"):
        raise ApiError(400, "Bad Request: MESSAGE_ID_INVALID")
    chat = call.get_chat()
    message = chat.find_message(call.get_int("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    if message["from"]["id"] != call.bot.id:
        raise bad_request("message can't be edited")
    return chat, message


def _visible_content(message: Message) -> Message:
    """The message without the fields that change although it looks the same: the edit date and file ids."""
    visible: Message = {key: value for key, value in message.items() if key not in (*_MEDIA_FIELDS, "edit_date")}
    for kind in _MEDIA_FIELDS:
        if kind in message:
            visible[kind] = _file_identity(message[kind])
    return visible


def _file_identity(media: Any) -> str:
    largest = media[-1] if isinstance(media, list) else media
    return str(largest["file_unique_id"])
