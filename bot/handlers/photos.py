"""A photograph: sent in a private chat, or pointed at with /check in a group."""

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command
from aiogram.types import Message

from bot.locales import translate
from bot.services.submissions import SubmissionService
from bot.storage.outgoing_message import OutgoingMessage
from bot.storage.photo_origin import PhotoOrigin
from bot.telegram.photo import extract_photo


def make_router() -> Router:
    """Handlers of photographs."""
    router = Router(name="photographs")
    router.message.register(_check, Command("check"))
    router.message.register(_private, F.chat.type == ChatType.PRIVATE, F.func(extract_photo))
    return router


async def _private(message: Message, submissions: SubmissionService) -> None:
    await _receive(message, message, submissions, group=False)


async def _check(message: Message, submissions: SubmissionService) -> None:
    image = message.reply_to_message
    if image is None or extract_photo(image) is None:
        if message.from_user is not None:
            language = await submissions.users.get_language(message.from_user.id, message.from_user.language_code)
            note = OutgoingMessage(
                chat_id=message.chat.id, text=translate(language, "check-hint"), reply_to_message_id=message.message_id
            )
            await submissions.enqueue_message(note, str(message.message_id))
        return
    await _receive(message, image, submissions, group=message.chat.type != ChatType.PRIVATE)


async def _receive(asked: Message, image: Message, submissions: SubmissionService, *, group: bool) -> None:
    found = extract_photo(image)
    if found is None or asked.from_user is None:
        return
    reference = PhotoOrigin(
        chat_id=asked.chat.id,
        message_id=image.message_id,
        user_id=asked.from_user.id,
        file_id=found.file_id,
        is_group=group,
        album_id=None if group else image.media_group_id,
    )
    await submissions.submit(found, reference, asked.from_user.language_code)
