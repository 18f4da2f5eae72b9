"""Sends an answer: the status message of the photo becomes the answer, or the answer is a new message."""

import asyncio
import math
from dataclasses import replace

import structlog
from aiogram import Bot
from aiogram.enums import ParseMode
from aiogram.types import InputMediaPhoto, Message, ReplyParameters

from bot.dependencies import BotDependencies
from bot.locales import translate
from bot.presentation.answer_message import AnswerMessage
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.status_target import JobTarget
from bot.telegram.api_calls import Rejected, call_api
from bot.telegram.rate_limiter import Priority
from shared.ledger.records import OutboxJob

log = structlog.get_logger(__name__)


class AnswerSender:
    """Sends answers in such a way that a repeated call seldom sends a second answer.

    A repeated edit of the status message has no effect. A new message that is sent again after a lost reply of Telegram
    is a second answer.
    """

    def __init__(self, bot: Bot, dependencies: BotDependencies) -> None:
        self._bot = bot
        self._rate_limiter = dependencies.rate_limiter
        self._status_messages = dependencies.status_messages
        self._lost_replies = dependencies.lost_replies
        self._sent_images = dependencies.sent_images

    async def send(self, job: OutboxJob, origin: PhotoOrigin, answer: AnswerMessage) -> None:
        """Send the answer to a job. The caller holds a permit of the rate limiter. Raises `SendError`."""
        message_id = await self._status_messages.take_over(job.id)
        if message_id is None and await self._lost_replies.is_recent():
            message_id = await self._send_placeholder(job, origin)
        sent = await self._edit_or_send(job.id, origin, message_id, answer)
        if sent is not None and sent.photo:
            await self._sent_images.record(sent.photo[-1].file_unique_id, job.id)

    async def _edit_or_send(
        self, job_id: str, origin: PhotoOrigin, message_id: int | None, answer: AnswerMessage
    ) -> Message | None:
        if message_id is not None:
            try:
                return await self._edit(origin, message_id, answer)
            except Rejected as error:
                log.info("the status message cannot be edited, sending a new message", job=job_id, error=str(error))
        try:
            return await self._send_new(origin, answer)
        except Rejected as error:
            if error.is_missing_topic and origin.thread_id is not None:
                log.info("the topic is gone, sending the answer outside of it", job=job_id)
                return await self._edit_or_send(job_id, origin.model_copy(update={"thread_id": None}), None, answer)
            if answer.photo is None:
                raise
            # Some groups allow bots no photographs. The text says all that matters.
            log.info("the photograph was refused, sending the text alone", job=job_id, error=str(error))
        return await self._send_new(origin, replace(answer, photo=None))

    async def _send_placeholder(self, job: OutboxJob, origin: PhotoOrigin) -> int | None:
        """Send a status message that is then edited into the answer; the edit can be repeated. Returns its id."""
        text = translate(job.language, "status-in-progress")
        reply = ReplyParameters(message_id=origin.message_id, allow_sending_without_reply=True)
        sent = await call_api(
            lambda: self._bot.send_message(
                origin.chat_id, text, message_thread_id=origin.thread_id, reply_parameters=reply
            )
        )
        if sent is None:
            return None
        await self._status_messages.record(JobTarget(job.id), sent.message_id)
        permit = await self._rate_limiter.wait_for_permit(origin.chat_id, Priority.ANSWER, max_wait_s=math.inf)
        await asyncio.sleep(permit.wait_s)
        return sent.message_id

    async def _send_new(self, origin: PhotoOrigin, answer: AnswerMessage) -> Message | None:
        reply = ReplyParameters(message_id=origin.message_id, allow_sending_without_reply=True)
        photo = answer.photo
        if photo is None:
            return await call_api(
                lambda: self._bot.send_message(
                    origin.chat_id,
                    answer.text,
                    message_thread_id=origin.thread_id,
                    parse_mode=ParseMode.HTML,
                    reply_parameters=reply,
                    reply_markup=answer.keyboard,
                )
            )
        return await call_api(
            lambda: self._bot.send_photo(
                origin.chat_id,
                photo,
                message_thread_id=origin.thread_id,
                caption=answer.text,
                parse_mode=ParseMode.HTML,
                reply_parameters=reply,
                reply_markup=answer.keyboard,
            )
        )

    async def _edit(self, origin: PhotoOrigin, message_id: int, answer: AnswerMessage) -> Message | None:
        if answer.photo is None:
            edited = await call_api(
                lambda: self._bot.edit_message_text(
                    answer.text,
                    chat_id=origin.chat_id,
                    message_id=message_id,
                    parse_mode=ParseMode.HTML,
                    reply_markup=answer.keyboard,
                )
            )
        else:
            media = InputMediaPhoto(media=answer.photo, caption=answer.text, parse_mode=ParseMode.HTML)
            edited = await call_api(
                lambda: self._bot.edit_message_media(
                    media, chat_id=origin.chat_id, message_id=message_id, reply_markup=answer.keyboard
                )
            )
        return edited if isinstance(edited, Message) else None
