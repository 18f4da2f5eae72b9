"""Handlers of photos: sent in a private chat, or replied to with /check in a group."""

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command
from aiogram.types import Message

from bot.locales import translate
from bot.services.submissions import SubmissionService
from bot.storage.outgoing_message import OutgoingMessage
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.users import UserStore
from bot.telegram.photo import extract_photo


def create_router() -> Router:
    """Return the router of photos."""
    router = Router(name="photos")
    router.message.register(_check, Command("check"))
    router.message.register(_submit_private, F.chat.type == ChatType.PRIVATE, F.func(extract_photo))
    return router


async def _submit_private(message: Message, submissions: SubmissionService) -> None:
    await _submit(message, message, submissions, is_group=False)


async def _check(message: Message, submissions: SubmissionService, users: UserStore) -> None:
    photo_message = message.reply_to_message
    if photo_message is not None and extract_photo(photo_message) is not None:
        await _submit(message, photo_message, submissions, is_group=message.chat.type != ChatType.PRIVATE)
    elif message.from_user is not None:
        language = await users.get_language(message.from_user.id, message.from_user.language_code)
        hint = OutgoingMessage(
            chat_id=message.chat.id, text=translate(language, "check-hint"), reply_to_message_id=message.message_id
        )
        await submissions.enqueue_message(hint, str(message.message_id))


async def _submit(request: Message, photo_message: Message, submissions: SubmissionService, *, is_group: bool) -> None:
    """Submit the photo of `photo_message` for the sender of `request`."""
    photo = extract_photo(photo_message)
    if photo is None or request.from_user is None:
        return
    origin = PhotoOrigin(
        chat_id=request.chat.id,
        message_id=photo_message.message_id,
        user_id=request.from_user.id,
        file_id=photo.file_id,
        is_group=is_group,
        album_id=None if is_group else photo_message.media_group_id,
    )
    await submissions.submit(photo, origin, request.from_user.language_code)
