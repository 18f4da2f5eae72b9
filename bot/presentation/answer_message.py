"""Composes an answer: text, image and buttons."""

import asyncio
from dataclasses import dataclass

from aiogram.types import BufferedInputFile, InlineKeyboardMarkup

from bot.presentation import keyboards
from bot.presentation.evidence_image import render_evidence_jpeg
from bot.presentation.rendering import render_answer
from shared.contract.decision import Failure, Refusal, Verdict
from shared.image_store.async_store import AsyncImageStore
from shared.ledger.records import OutboxJob

Decision = Verdict | Refusal | Failure


@dataclass(frozen=True, slots=True)
class AnswerMessage:
    """An answer as Telegram takes it; without a photo it is a text message."""

    text: str
    photo: BufferedInputFile | None
    keyboard: InlineKeyboardMarkup | None


async def compose(job: OutboxJob, decision: Decision, store: AsyncImageStore) -> AnswerMessage:
    """Compose the answer to a decided job. The evidence is drawn in a thread."""
    return AnswerMessage(
        text=render_answer(decision, job.language),
        photo=await _draw_evidence(job.id, decision, store),
        keyboard=keyboards.to_markup(keyboards.under_answer(job.language, job.id)),
    )


async def _draw_evidence(job_id: str, decision: Decision, store: AsyncImageStore) -> BufferedInputFile | None:
    if not isinstance(decision, Verdict):
        return None
    data = await store.get(job_id)
    # If the image is no longer in the store, the text alone is the answer: waiting would not bring the image back.
    jpeg = await asyncio.to_thread(render_evidence_jpeg, data, decision.evidence) if data else None
    return BufferedInputFile(jpeg, "evidence.jpg") if jpeg else None
