"""Someone blocked the bot: what they sent is worked on no longer."""

from aiogram import Router
from aiogram.enums import ChatMemberStatus, ChatType
from aiogram.types import ChatMemberUpdated

from bot.services.submissions import SubmissionService


def make_router() -> Router:
    """The handler of blocks."""
    router = Router(name="membership")
    router.my_chat_member.register(_changed)
    return router


async def _changed(update: ChatMemberUpdated, submissions: SubmissionService) -> None:
    if update.chat.type == ChatType.PRIVATE and update.new_chat_member.status == ChatMemberStatus.KICKED:
        await submissions.cancel(update.from_user.id)
