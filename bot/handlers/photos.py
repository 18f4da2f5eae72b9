"""A photograph: sent in a private chat, or pointed at with /check in a group."""

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command
from aiogram.types import Message

from bot.locales import text
from bot.services.submissions import Desk
from bot.storage.outgoing_message import Note
from bot.storage.photo_origin import Reference
from bot.telegram.photo import photograph


def make_router() -> Router:
    """Handlers of photographs."""
    router = Router(name="photographs")
    router.message.register(_check, Command("check"))
    router.message.register(_private, F.chat.type == ChatType.PRIVATE, F.func(photograph))
    return router


async def _private(message: Message, desk: Desk) -> None:
    await _receive(message, message, desk, group=False)


async def _check(message: Message, desk: Desk) -> None:
    picture = message.reply_to_message
    if picture is None or photograph(picture) is None:
        if message.from_user is not None:
            language = await desk.people.language(message.from_user.id, message.from_user.language_code)
            note = Note(chat=message.chat.id, text=text(language, "check-hint"), reply_to=message.message_id)
            await desk.post(note, str(message.message_id))
        return
    await _receive(message, picture, desk, group=message.chat.type != ChatType.PRIVATE)


async def _receive(asked: Message, picture: Message, desk: Desk, *, group: bool) -> None:
    found = photograph(picture)
    if found is None or asked.from_user is None:
        return
    reference = Reference(
        chat=asked.chat.id,
        message=picture.message_id,
        person=asked.from_user.id,
        file=found.file,
        group=group,
        album=None if group else picture.media_group_id,
    )
    await desk.receive(found, reference, asked.from_user.language_code)
