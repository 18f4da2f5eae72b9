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


async def _private(message: Message, desk: SubmissionService) -> None:
    await _receive(message, message, desk, group=False)


async def _check(message: Message, desk: SubmissionService) -> None:
    image = message.reply_to_message
    if image is None or extract_photo(image) is None:
        if message.from_user is not None:
            language = await desk.people.language(message.from_user.id, message.from_user.language_code)
            note = OutgoingMessage(
                chat=message.chat.id, text=translate(language, "check-hint"), reply_to=message.message_id
            )
            await desk.enqueue_message(note, str(message.message_id))
        return
    await _receive(message, image, desk, group=message.chat.type != ChatType.PRIVATE)


async def _receive(asked: Message, image: Message, desk: SubmissionService, *, group: bool) -> None:
    found = extract_photo(image)
    if found is None or asked.from_user is None:
        return
    reference = PhotoOrigin(
        chat=asked.chat.id,
        message=image.message_id,
        person=asked.from_user.id,
        file=found.file,
        group=group,
        album=None if group else image.media_group_id,
    )
    await desk.submit(found, reference, asked.from_user.language_code)
