"""Presses of buttons. Their data names a job at most; only the person whose photograph it was may press."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiogram import Router
from aiogram.types import CallbackQuery
from pydantic import ValidationError

from bot.locales import translate
from bot.locales.languages import LANGUAGES
from bot.presentation import keyboards, rendering
from bot.services.submissions import SubmissionService
from bot.storage.outgoing_message import OutgoingMessage
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.statistics import AnswerStatistics
from bot.storage.users import Admission
from shared.contract.decision import decision_from_json

Press = Callable[[CallbackQuery, str, SubmissionService, AnswerStatistics], Awaitable[OutgoingMessage]]


def make_router() -> Router:
    """The one handler of presses."""
    router = Router(name="buttons")
    router.callback_query.register(_pressed)
    return router


async def _pressed(query: CallbackQuery, desk: SubmissionService, statistics: AnswerStatistics) -> None:
    deed, _, about = (query.data or "").partition(":")
    press = _PRESSES.get(deed)
    note = await press(query, about, desk, statistics) if press is not None else _nothing(query)
    await desk.enqueue_message(note.model_copy(update={"callback": query.id}), "press", query.id)


async def _consent(
    query: CallbackQuery, _about: str, desk: SubmissionService, _statistics: AnswerStatistics
) -> OutgoingMessage:
    person = query.from_user.id
    language = await _language_of(query, desk)
    waiting = await desk.people.consent(person)
    for id_, reference in waiting.items():
        admitted = await desk.people.admit(id_, reference, query.from_user.language_code)
        if admitted.what is Admission.OPEN:
            await desk.create_jobs({id_: reference}, admitted.language)
    await desk.people.clear_before_consent(person)
    thanks = "consent-thanks-waiting" if waiting else "consent-thanks"
    return OutgoingMessage(chat=_chat(query), text=translate(language, thanks))


async def _choose(
    query: CallbackQuery, about: str, desk: SubmissionService, _statistics: AnswerStatistics
) -> OutgoingMessage:
    if about not in LANGUAGES:
        return _nothing(query)
    await desk.people.set_language(query.from_user.id, about)
    return OutgoingMessage(chat=_chat(query), text=translate(about, "language-changed"))


async def _explain(
    query: CallbackQuery, about: str, desk: SubmissionService, _statistics: AnswerStatistics
) -> OutgoingMessage:
    language = await _language_of(query, desk)
    view = await desk.view(about)
    if view is None or not view.decision or not view.payload:
        return OutgoingMessage(chat=_chat(query), toast=translate(language, "answer-gone"))
    if PhotoOrigin.model_validate_json(view.payload).person != query.from_user.id:
        return OutgoingMessage(chat=_chat(query), toast=translate(language, "not-yours"))
    try:
        decision = decision_from_json(view.decision)
    except ValidationError:
        return OutgoingMessage(chat=_chat(query), toast=translate(language, "answer-gone"))
    message = query.message.message_id if query.message is not None else None
    return OutgoingMessage(chat=_chat(query), text=rendering.render_explanation(decision, language), reply_to=message)


async def _feedback(
    query: CallbackQuery, about: str, desk: SubmissionService, _statistics: AnswerStatistics
) -> OutgoingMessage:
    language = await _language_of(query, desk)
    return OutgoingMessage(
        chat=_chat(query), text=translate(language, "feedback-question"), keyboard=keyboards.feedback(language, about)
    )


async def _rated(
    query: CallbackQuery, about: str, desk: SubmissionService, statistics: AnswerStatistics
) -> OutgoingMessage:
    word, _, id_ = about.partition(":")
    language = await _language_of(query, desk)
    view = await desk.view(id_)
    if view is None or not view.payload or PhotoOrigin.model_validate_json(view.payload).person != query.from_user.id:
        return OutgoingMessage(chat=_chat(query), toast=translate(language, "not-yours"))
    if word in ("yes", "no"):
        await statistics.feedback(word, id_)
    return OutgoingMessage(chat=_chat(query), toast=translate(language, "feedback-thanks"))


async def _delete(
    query: CallbackQuery, _about: str, desk: SubmissionService, _statistics: AnswerStatistics
) -> OutgoingMessage:
    language = await _language_of(query, desk)
    return OutgoingMessage(
        chat=query.from_user.id, text=translate(language, "delete-question"), keyboard=keyboards.delete(language)
    )


async def _delete_for_good(
    query: CallbackQuery, _about: str, desk: SubmissionService, _statistics: AnswerStatistics
) -> OutgoingMessage:
    language = await _language_of(query, desk)
    await desk.erase_user(query.from_user.id)
    return OutgoingMessage(chat=query.from_user.id, text=translate(language, "delete-done"))


_PRESSES: Final[dict[str, Press]] = {
    keyboards.CONSENT: _consent,
    keyboards.LANGUAGE: _choose,
    keyboards.EXPLAIN: _explain,
    keyboards.FEEDBACK: _feedback,
    keyboards.RATED: _rated,
    keyboards.DELETE: _delete,
    keyboards.DELETE_FOR_GOOD: _delete_for_good,
}


async def _language_of(query: CallbackQuery, desk: SubmissionService) -> str:
    return await desk.people.language(query.from_user.id, query.from_user.language_code)


def _chat(query: CallbackQuery) -> int:
    return query.message.chat.id if query.message is not None else query.from_user.id


def _nothing(query: CallbackQuery) -> OutgoingMessage:
    return OutgoingMessage(chat=_chat(query))
