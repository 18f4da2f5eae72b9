"""Handler of users who block the bot: their unfinished jobs are cancelled."""

from typing import Final

from aiogram import Router
from aiogram.enums import ChatMemberStatus, ChatType
from aiogram.types import ChatMemberUpdated

from bot.services.submissions import SubmissionService

#: Telegram's times are whole seconds, and its clock is not Redis' clock. Seconds.
_CLOCK_TOLERANCE_S: Final = 1.0


def create_router() -> Router:
    """Return the router of blocks."""
    router = Router(name="membership")
    router.my_chat_member.register(_cancel_if_blocked)
    return router


async def _cancel_if_blocked(update: ChatMemberUpdated, submissions: SubmissionService) -> None:
    if update.chat.type == ChatType.PRIVATE and update.new_chat_member.status == ChatMemberStatus.KICKED:
        # A webhook may deliver the update after newer photos.
        await submissions.withdraw(update.from_user.id, sent_before=update.date.timestamp() + _CLOCK_TOLERANCE_S)
