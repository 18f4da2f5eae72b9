"""An answer as Telegram takes it: words, picture and buttons, sent anew or in place of the message about the wait."""

import asyncio
from dataclasses import dataclass

from aiogram import Bot
from aiogram.enums import ParseMode
from aiogram.types import BufferedInputFile, InlineKeyboardMarkup, InputMediaPhoto, ReplyParameters

from bot.presentation import keyboards
from bot.presentation.evidence_image import render_evidence_jpeg
from bot.presentation.rendering import render_answer
from bot.storage.photo_origin import PhotoOrigin
from bot.telegram.api_calls import call_api
from shared.contract.decision import Failure, Refusal, Verdict
from shared.image_store.async_store import AsyncImageStore
from shared.ledger.records import OutboxJob

Decision = Verdict | Refusal | Failure


@dataclass(frozen=True, slots=True)
class AnswerMessage:
    """What is sent; without a picture it is a message of text."""

    text: str
    photo: BufferedInputFile | None
    keyboard: InlineKeyboardMarkup | None


async def compose(job: OutboxJob, decision: Decision, store: AsyncImageStore) -> AnswerMessage:
    """The answer to a decided job; the evidence is drawn in a thread."""
    return AnswerMessage(
        text=render_answer(decision, job.language),
        photo=await _image(job.id, decision, store),
        keyboard=keyboards.markup(keyboards.under_answer(job.language, job.id)),
    )


async def send(bot: Bot, to: PhotoOrigin, what: AnswerMessage) -> None:
    """Send the answer as a reply to its photograph. Raises `SendError`."""
    reply = ReplyParameters(message_id=to.message_id, allow_sending_without_reply=True)
    if what.photo is None:
        await call_api(
            lambda: bot.send_message(
                to.chat_id, what.text, parse_mode=ParseMode.HTML, reply_parameters=reply, reply_markup=what.keyboard
            )
        )
        return
    image = what.photo
    await call_api(
        lambda: bot.send_photo(
            to.chat_id,
            image,
            caption=what.text,
            parse_mode=ParseMode.HTML,
            reply_parameters=reply,
            reply_markup=what.keyboard,
        )
    )


async def edit(bot: Bot, to: PhotoOrigin, message: int, what: AnswerMessage) -> None:
    """Make the answer of a message that was sent. Raises `SendError`."""
    if what.photo is None:
        await call_api(
            lambda: bot.edit_message_text(
                what.text,
                chat_id=to.chat_id,
                message_id=message,
                parse_mode=ParseMode.HTML,
                reply_markup=what.keyboard,
            )
        )
        return
    media = InputMediaPhoto(media=what.photo, caption=what.text, parse_mode=ParseMode.HTML)
    await call_api(
        lambda: bot.edit_message_media(media, chat_id=to.chat_id, message_id=message, reply_markup=what.keyboard)
    )


async def _image(id_: str, decision: Decision, store: AsyncImageStore) -> BufferedInputFile | None:
    if not isinstance(decision, Verdict):
        return None
    data = await store.get(id_)
    # A picture that is gone from the store is not worth a wait: the words are the answer.
    jpeg = await asyncio.to_thread(render_evidence_jpeg, data, decision.evidence) if data else None
    return BufferedInputFile(jpeg, "evidence.jpg") if jpeg else None
