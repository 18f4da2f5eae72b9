"""Handlers of photos: sent in a private chat, or asked about with /check in a group."""

from typing import Any

from aiogram import Bot, Router
from aiogram.enums import ChatType
from aiogram.filters import Command
from aiogram.types import Message

from bot.handlers.filters import find_shown, is_from_chat, is_private_photo, shows_photo
from bot.handlers.replies import get_thread_id, reply_to
from bot.locales import translate
from bot.services.messenger import Messenger
from bot.services.submissions import SubmissionService
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.sent_images import SentImages
from bot.storage.users import UserStore
from bot.telegram.handler_flags import HAS_ADMISSION
from bot.telegram.photo import PhotoFile, extract_photo, is_from_bot


def create_router() -> Router:
    """Return the router of photos. It comes before commands, because a caption may look like one."""
    router = Router(name="photos")
    is_check = (Command("check"), shows_photo)
    for kind in ((is_private_photo,), is_check):
        router.message.register(_explain_own_image, *kind, _find_own_image)
    router.message.register(_explain_anonymity, *is_check, is_from_chat)
    router.message.register(_submit, is_private_photo, flags=HAS_ADMISSION)
    router.message.register(_submit, *is_check, flags=HAS_ADMISSION)
    router.edited_message.register(_resubmit, is_private_photo, flags=HAS_ADMISSION)
    router.message.register(_explain_check, Command("check"))
    return router


async def _submit(message: Message, submissions: SubmissionService) -> None:
    photo, origin = _read_photo(message)
    language_code = message.from_user.language_code if message.from_user else None
    await submissions.submit(photo, origin, language_code, request_id=message.message_id)


async def _resubmit(message: Message, submissions: SubmissionService) -> None:
    """Submit the photo of an edited message. If only the caption changed, the ledger knows the job."""
    photo, origin = _read_photo(message)
    await submissions.resubmit(photo, origin, message.from_user.language_code if message.from_user else None)


async def _explain_own_image(
    message: Message, messenger: Messenger, users: UserStore, original: PhotoOrigin | None
) -> None:
    """Say that the bot has drawn on this picture, and point to the photo that it came from if it is in this chat."""
    asker = message.from_user.id if message.from_user is not None else None
    is_here = original is not None and (original.chat_id, original.user_id) == (message.chat.id, asker)
    reply_to_message_id = original.message_id if original is not None and is_here else message.message_id
    await _reply(message, messenger, users, "own-image", reply_to_message_id)


async def _explain_anonymity(message: Message, messenger: Messenger, users: UserStore) -> None:
    """Say that all anonymous administrators, and all channels, share one user, who can consent to nothing."""
    await _reply(message, messenger, users, "check-anonymous", message.message_id)


async def _explain_check(message: Message, messenger: Messenger, users: UserStore) -> None:
    await _reply(message, messenger, users, "check-hint", message.message_id)


async def _reply(
    message: Message, messenger: Messenger, users: UserStore, text_name: str, reply_to_message_id: int
) -> None:
    if message.from_user is None:
        return
    language = await users.get_language(message.from_user.id, message.from_user.language_code)
    await reply_to(message, messenger, translate(language, text_name), reply_to_message_id=reply_to_message_id)


async def _find_own_image(
    message: Message, bot: Bot, sent_images: SentImages, submissions: SubmissionService
) -> dict[str, Any] | bool:
    """Filter: the picture is one that the bot sent. Returns the photo that it came from, if that is known."""
    shown = find_shown(message)
    photo = extract_photo(shown) if shown is not None else None
    if shown is None or photo is None:
        return False
    job_id = await sent_images.find_job_id(photo.unique_id)
    if job_id is None:
        return {"original": None} if is_from_bot(shown, bot.id) else False
    return {"original": await submissions.get_origin(job_id)}


def _read_photo(request: Message) -> tuple[PhotoFile, PhotoOrigin]:
    """Return the photo about which the sender of `request` asks, and its origin."""
    shown = find_shown(request)
    photo = extract_photo(shown) if shown is not None else None
    # The filters of the handlers let nothing else through.
    assert shown is not None and photo is not None and request.from_user is not None  # noqa: S101, PT018
    is_group = request.chat.type != ChatType.PRIVATE
    origin = PhotoOrigin(
        chat_id=request.chat.id,
        message_id=shown.message_id,
        user_id=request.from_user.id,
        file_id=photo.file_id,
        is_group=is_group,
        album_id=None if is_group else shown.media_group_id,
        thread_id=get_thread_id(request),
    )
    return photo, origin
