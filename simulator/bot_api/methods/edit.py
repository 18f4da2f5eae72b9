"""Methods that edit a message of the bot, or take one away."""

from typing import Any, Final

from simulator.bot_api.method_call import MethodCall
from simulator.bot_api.methods import message_content
from simulator.bot_api.methods.message_content import Content
from simulator.bot_api.methods.reply_markup import markup
from simulator.errors import ApiError, bad_request
from simulator.state.chat import Chat, Message

_TEXT: Final = ("text", "entities")
_CAPTION: Final = ("caption", "caption_entities")
_MEDIA: Final = ("photo", "document")
_MOST_DELETED: Final = 100

_NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content"
    " and reply markup of the message"
)


def edit_message_text(call: MethodCall) -> Message:
    """`editMessageText`."""
    chat, message = _own(call)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    return _edit(call, chat, message, message_content.text(call), _TEXT)


def edit_message_caption(call: MethodCall) -> Message:
    """`editMessageCaption`."""
    chat, message = _own(call)
    if not any(kind in message for kind in _MEDIA):
        raise bad_request("there is no caption in the message to edit")
    return _edit(call, chat, message, message_content.caption(call.parameters), _CAPTION)


def edit_message_media(call: MethodCall) -> Message:
    """`editMessageMedia`; a message of text gets its medium by it, too."""
    chat, message = _own(call)
    medium = message_content.medium(call, call.structure("media") or {})
    return _edit(call, chat, message, medium, (*_TEXT, *_CAPTION, *_MEDIA))


def edit_message_reply_markup(call: MethodCall) -> Message:
    """`editMessageReplyMarkup`."""
    return _edit(call, *_own(call), {}, ())


def delete_message(call: MethodCall) -> bool:
    """`deleteMessage`."""
    chat = call.chat()
    message = chat.find(call.number("message_id"))
    if message is None:
        raise bad_request("message to delete not found")
    chat.delete(message)
    return True


def delete_messages(call: MethodCall) -> bool:
    """`deleteMessages`; those that are not there are passed over."""
    chat = call.chat()
    numbers = call.structure("message_ids") or []
    if not 1 <= len(numbers) <= _MOST_DELETED:
        raise bad_request("wrong number of messages to delete: there must be from 1 to 100")
    for message in filter(None, map(chat.find, numbers)):
        chat.delete(message)
    return True


def _edit(call: MethodCall, chat: Chat, message: Message, holds: Content, replaces: tuple[str, ...]) -> Message:
    kept = {key: value for key, value in message.items() if key not in (*replaces, "reply_markup", "edit_date")}
    new = kept | holds | markup(call)
    if _shown(message) == _shown(new):
        raise bad_request(_NOT_MODIFIED)
    call.bot.limits.take(chat.id)
    chat.edit(message, new)
    return message


def _own(call: MethodCall) -> tuple[Chat, Message]:
    if call.text("inline_message_id"):
        raise ApiError(400, "Bad Request: MESSAGE_ID_INVALID")
    chat = call.chat()
    message = chat.find(call.number("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    if message["from"]["id"] != call.bot.id:
        raise bad_request("message can't be edited")
    return chat, message


def _shown(message: Message) -> Message:
    """The message without what changes although a person sees the same: the date, the ids of files."""
    shown: Message = {key: value for key, value in message.items() if key not in (*_MEDIA, "edit_date")}
    for kind in _MEDIA:
        if kind in message:
            shown[kind] = _same(message[kind])
    return shown


def _same(medium: Any) -> str:
    largest = medium[-1] if isinstance(medium, list) else medium
    return str(largest["file_unique_id"])
