"""Handlers of messages that no other handler takes: they say that the bot takes photos only."""

from aiogram import Router
from aiogram.types import Message

from bot.handlers.filters import is_private
from bot.handlers.replies import reply_to
from bot.locales import translate
from bot.services.messenger import Messenger
from bot.storage.users import UserStore
from bot.telegram.photo import has_file


def create_router() -> Router:
    """Return the router of all other messages in private chats."""
    router = Router(name="fallback")
    router.message.register(_send_hint, is_private)
    return router


async def _send_hint(message: Message, messenger: Messenger, users: UserStore) -> None:
    if message.from_user is None:
        return
    language = await users.get_language(message.from_user.id, message.from_user.language_code)
    text = translate(language, "only-photos-hint")
    if has_file(message):
        # A user who sends a file waits for an answer to it.
        await reply_to(message, messenger, text, reply_to_message_id=message.message_id)
    else:
        # All hints to a chat share one reason, so the next is sent only once the ledger has forgotten the last one.
        await reply_to(message, messenger, text, reason="hint")
