"""Everything that is no photograph: one friendly hint."""

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.types import Message

from bot.locales import translate
from bot.services.submissions import SubmissionService
from bot.storage.outgoing_message import OutgoingMessage


def make_router() -> Router:
    """The handler of what no other wanted."""
    router = Router(name="other")
    router.message.register(_hint, F.chat.type == ChatType.PRIVATE)
    return router


async def _hint(message: Message, submissions: SubmissionService) -> None:
    if message.from_user is None:
        return
    language = await submissions.users.get_language(message.from_user.id, message.from_user.language_code)
    # The same reason each time: while the last hint is remembered, there is no other.
    await submissions.enqueue_message(
        OutgoingMessage(chat_id=message.chat.id, text=translate(language, "hint")), "hint"
    )
