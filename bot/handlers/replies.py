"""Replies to messages of users."""

from typing import Final

from aiogram.types import Message

from bot.presentation import keyboards
from bot.services.messenger import Messenger
from bot.storage.messages.outgoing_message import OutgoingMessage

_NO_BUTTONS: Final[keyboards.Rows] = ()


async def reply_to(
    message: Message,
    messenger: Messenger,
    text: str,
    *,
    keyboard: keyboards.Rows = _NO_BUTTONS,
    reply_to_message_id: int | None = None,
    reason: str = "",
) -> None:
    """Enqueue a reply in the chat and topic of `message`, once for each message, or once for a `reason` in the chat."""
    reply = OutgoingMessage(
        chat_id=message.chat.id,
        thread_id=get_thread_id(message),
        text=text,
        keyboard=keyboard,
        reply_to_message_id=reply_to_message_id,
    )
    await messenger.enqueue(reply, reason or str(message.message_id))


def get_thread_id(message: Message) -> int | None:
    """Return the topic of `message`. Telegram numbers threads of replies, too, but takes no message for those."""
    return message.message_thread_id if message.is_topic_message else None
