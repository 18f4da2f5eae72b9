"""Handler of messages that no other handler takes: it says that the bot takes photos only."""

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.types import Message

from bot.locales import translate
from bot.services.submissions import SubmissionService
from bot.storage.outgoing_message import OutgoingMessage
from bot.storage.users import UserStore


def create_router() -> Router:
    """Return the router of all other messages in private chats."""
    router = Router(name="fallback")
    router.message.register(_send_hint, F.chat.type == ChatType.PRIVATE)
    return router


async def _send_hint(message: Message, submissions: SubmissionService, users: UserStore) -> None:
    if message.from_user is None:
        return
    language = await users.get_language(message.from_user.id, message.from_user.language_code)
    hint = OutgoingMessage(chat_id=message.chat.id, text=translate(language, "only-photos-hint"))
    # All hints to a chat share one reason, so another one is sent only after the ledger has forgotten the last.
    await submissions.enqueue_message(hint, "hint")
