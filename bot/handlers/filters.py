"""Filters of handlers. All are coroutines: aiogram runs any other filter in a thread, for each update."""

from aiogram.enums import ChatType
from aiogram.types import Message

from bot.telegram.photo import extract_photo


async def is_private(message: Message) -> bool:
    """Return whether the message is in a private chat."""
    return message.chat.type == ChatType.PRIVATE


async def is_private_photo(message: Message) -> bool:
    """Return whether the message is a photo in a private chat."""
    return message.chat.type == ChatType.PRIVATE and extract_photo(message) is not None


async def shows_photo(message: Message) -> bool:
    """Return whether the message, or the one that it replies to, is a photo."""
    return find_shown(message) is not None


async def is_from_chat(message: Message) -> bool:
    """Return whether a chat stands for the sender: an anonymous administrator, or a channel."""
    return message.sender_chat is not None


def find_shown(message: Message) -> Message | None:
    """Return the message with the photo: this one, or the one that it replies to."""
    for candidate in (message, message.reply_to_message):
        if candidate is not None and extract_photo(candidate) is not None:
            return candidate
    return None
