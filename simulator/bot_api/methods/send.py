"""Methods that send."""

from typing import Any, Final

from simulator.bot_api.method_call import MethodCall
from simulator.bot_api.methods import message_content
from simulator.bot_api.methods.message_content import Content
from simulator.bot_api.methods.reply_markup import markup
from simulator.errors import bad_request
from simulator.state.chat import Chat, Message

_ALBUM: Final = (2, 10)
_ACTIONS: Final = (
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
)


def send_message(call: MethodCall) -> Message:
    """`sendMessage`."""
    return _send(call, message_content.text(call))


def send_photo(call: MethodCall) -> Message:
    """`sendPhoto`."""
    return _send(
        call, message_content.photo(call, call.parameters.get("photo")) | message_content.caption(call.parameters)
    )


def send_document(call: MethodCall) -> Message:
    """`sendDocument`."""
    return _send(
        call, message_content.document(call, call.parameters.get("document")) | message_content.caption(call.parameters)
    )


def send_media_group(call: MethodCall) -> list[Message]:
    """`sendMediaGroup`, all or nothing."""
    chat = call.chat()
    media = call.structure("media") or []
    if not _ALBUM[0] <= len(media) <= _ALBUM[1]:
        raise bad_request("wrong number of messages specified: an album has from 2 to 10")
    if len({one.get("type") for one in media}) > 1:
        raise bad_request("documents can't be mixed with other media types")
    contents = [message_content.medium(call, one) for one in media]
    more = _reply(call, chat) | {"media_group_id": call.bot.album()}
    call.bot.limits.take(chat.id, len(contents))
    return [call.bot.add(chat, call.bot.about, one | more) for one in contents]


def send_chat_action(call: MethodCall) -> bool:
    """`sendChatAction`."""
    chat = call.chat()
    action = call.text("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat.act(action)
    return True


def _send(call: MethodCall, holds: Content) -> Message:
    chat = call.chat()
    message = holds | _reply(call, chat) | markup(call)
    call.bot.limits.take(chat.id)
    return call.bot.add(chat, call.bot.about, message)


def _reply(call: MethodCall, chat: Chat) -> Content:
    given: dict[str, Any] = call.structure("reply_parameters") or {}
    number = given.get("message_id") or call.number("reply_to_message_id")
    if not number:
        return {}
    original = chat.find(number)
    if original is not None:
        # As Telegram: the reply of a reply is not nested.
        return {"reply_to_message": {key: value for key, value in original.items() if key != "reply_to_message"}}
    if given.get("allow_sending_without_reply") or call.flag("allow_sending_without_reply"):
        return {}
    raise bad_request("message to be replied not found")
