"""Methods that send messages and chat actions."""

from typing import Any, Final

from simulator.bot_api.method_call import MethodCall
from simulator.bot_api.methods.message_content import (
    Content,
    read_caption,
    read_document,
    read_media,
    read_photo,
    read_text,
)
from simulator.bot_api.methods.reply_markup import read_reply_markup
from simulator.errors import bad_request
from simulator.state.chat import Chat, Message

_MIN_ALBUM_SIZE: Final = 2
_MAX_ALBUM_SIZE: Final = 10
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
    return _send(call, read_text(call), "messages")


def send_photo(call: MethodCall) -> Message:
    """`sendPhoto`."""
    return _send(call, read_photo(call, call.parameters.get("photo")) | read_caption(call.parameters), "photos")


def send_document(call: MethodCall) -> Message:
    """`sendDocument`."""
    return _send(
        call, read_document(call, call.parameters.get("document")) | read_caption(call.parameters), "documents"
    )


def send_media_group(call: MethodCall) -> list[Message]:
    """`sendMediaGroup`. It sends all messages or none."""
    chat = call.get_chat()
    media = call.get_json("media") or []
    if not _MIN_ALBUM_SIZE <= len(media) <= _MAX_ALBUM_SIZE:
        raise bad_request("wrong number of messages specified: an album has from 2 to 10")
    if len({item.get("type") for item in media}) > 1:
        raise bad_request("documents can't be mixed with other media types")
    contents = [read_media(call, item) for item in media]
    common = _read_reply(call, chat) | {"media_group_id": call.bot.next_album_id()}
    call.bot.rate_limits.take(chat.id, len(contents))
    return [call.bot.add_message(chat, call.bot.info, content | common) for content in contents]


def send_chat_action(call: MethodCall) -> bool:
    """`sendChatAction`."""
    chat = call.get_chat()
    action = call.get_text("action")
    _read_topic(call, chat, None)
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat.add_action(action)
    return True


def _send(call: MethodCall, content: Content, kind: str) -> Message:
    chat = call.get_chat()
    _check_rights(chat, kind)
    message = content | _read_reply(call, chat) | read_reply_markup(call)
    message |= _read_topic(call, chat, message.get("reply_to_message"))
    call.bot.rate_limits.take(chat.id)
    return call.bot.add_message(chat, call.bot.info, message)


def _check_rights(chat: Chat, kind: str) -> None:
    if "messages" in chat.forbidden:
        raise bad_request("not enough rights to send text messages to the chat")
    if kind in chat.forbidden:
        raise bad_request(f"not enough rights to send {kind} to the chat")


def _read_topic(call: MethodCall, chat: Chat, original: Message | None) -> Content:
    """The topic of a message: the one that the call names, or that of the message it replies to."""
    thread_id = call.get_int("message_thread_id")
    if thread_id and thread_id not in chat.topics:
        raise bad_request("message thread not found")
    if not thread_id and original is not None and original.get("is_topic_message"):
        thread_id = original["message_thread_id"]
    return {"message_thread_id": thread_id, "is_topic_message": True} if thread_id in chat.topics else {}


def _read_reply(call: MethodCall, chat: Chat) -> Content:
    reply_parameters: dict[str, Any] = call.get_json("reply_parameters") or {}
    message_id = reply_parameters.get("message_id") or call.get_int("reply_to_message_id")
    if not message_id:
        return {}
    original = chat.find_message(message_id)
    if original is not None:
        # As in Telegram, the quoted message does not contain the message that it replies to.
        return {"reply_to_message": {key: value for key, value in original.items() if key != "reply_to_message"}}
    if reply_parameters.get("allow_sending_without_reply") or call.get_bool("allow_sending_without_reply"):
        return {}
    raise bad_request("message to be replied not found")
