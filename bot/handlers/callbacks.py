"""Handlers of button presses. Only the user who sent a photo may ask what its answer means or rate the answer."""

from aiogram import Router
from aiogram.types import CallbackQuery
from pydantic import ValidationError

from bot.locales import list_languages, translate
from bot.presentation import button_data, keyboards, rendering
from bot.services.consent import ConsentService
from bot.services.privacy import PrivacyService
from bot.services.submissions import SubmissionService
from bot.storage.outgoing_message import OutgoingMessage
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.statistics import AnswerStatistics
from bot.storage.users import UserStore
from shared.contract.decision import decision_from_json
from shared.ledger.records import JobView


def create_router() -> Router:
    """Return the router of button presses."""
    router = Router(name="callbacks")
    router.callback_query.register(_give_consent, button_data.GiveConsent.filter())
    router.callback_query.register(_choose_language, button_data.ChooseLanguage.filter())
    router.callback_query.register(_explain_answer, button_data.ExplainAnswer.filter())
    router.callback_query.register(_ask_feedback, button_data.AskFeedback.filter())
    router.callback_query.register(_give_feedback, button_data.GiveFeedback.filter())
    router.callback_query.register(_ask_deletion, button_data.AskDeletion.filter())
    router.callback_query.register(_confirm_deletion, button_data.ConfirmDeletion.filter())
    router.callback_query.register(_ignore)
    return router


async def _give_consent(
    query: CallbackQuery, submissions: SubmissionService, users: UserStore, consent: ConsentService
) -> None:
    language = await _get_language(query, users)
    await consent.record(query.from_user.id)
    photos = await submissions.submit_pending_photos(query.from_user.id, query.from_user.language_code)
    await _reply(query, submissions, text=translate(language, "consent-thanks-waiting" if photos else "consent-thanks"))


async def _choose_language(
    query: CallbackQuery, callback_data: button_data.ChooseLanguage, submissions: SubmissionService, users: UserStore
) -> None:
    language = callback_data.language
    if language not in list_languages():
        await _ignore(query, submissions)
        return
    await users.set_language(query.from_user.id, language)
    await _reply(query, submissions, text=translate(language, "language-changed"))


async def _explain_answer(
    query: CallbackQuery, callback_data: button_data.ExplainAnswer, submissions: SubmissionService, users: UserStore
) -> None:
    language = await _get_language(query, users)
    job = await submissions.get_job(callback_data.job_id)
    if job is None or not job.decision or not job.payload:
        await _reply(query, submissions, toast=translate(language, "answer-expired"))
        return
    if not _is_owner(query, job):
        await _reply(query, submissions, toast=translate(language, "button-not-yours"))
        return
    try:
        decision = decision_from_json(job.decision)
    except ValidationError:
        await _reply(query, submissions, toast=translate(language, "answer-expired"))
        return
    answer_id = query.message.message_id if query.message is not None else None
    await _reply(
        query, submissions, text=rendering.render_explanation(decision, language), reply_to_message_id=answer_id
    )


async def _ask_feedback(
    query: CallbackQuery, callback_data: button_data.AskFeedback, submissions: SubmissionService, users: UserStore
) -> None:
    language = await _get_language(query, users)
    await _reply(
        query,
        submissions,
        text=translate(language, "feedback-question"),
        keyboard=keyboards.feedback(language, callback_data.job_id),
    )


async def _give_feedback(
    query: CallbackQuery,
    callback_data: button_data.GiveFeedback,
    submissions: SubmissionService,
    users: UserStore,
    statistics: AnswerStatistics,
) -> None:
    language = await _get_language(query, users)
    job = await submissions.get_job(callback_data.job_id)
    if job is None or not job.payload or not _is_owner(query, job):
        await _reply(query, submissions, toast=translate(language, "button-not-yours"))
        return
    await statistics.record_feedback(callback_data.rating, callback_data.job_id)
    await _reply(query, submissions, toast=translate(language, "feedback-thanks"))


async def _ask_deletion(query: CallbackQuery, submissions: SubmissionService, users: UserStore) -> None:
    language = await _get_language(query, users)
    await _reply(
        query,
        submissions,
        chat_id=query.from_user.id,
        text=translate(language, "delete-question"),
        keyboard=keyboards.deletion(language),
    )


async def _confirm_deletion(
    query: CallbackQuery, submissions: SubmissionService, users: UserStore, privacy: PrivacyService
) -> None:
    language = await _get_language(query, users)
    await privacy.erase_user(query.from_user.id)
    await _reply(query, submissions, chat_id=query.from_user.id, text=translate(language, "delete-done"))


async def _ignore(query: CallbackQuery, submissions: SubmissionService) -> None:
    """Answer a press without a message, so that Telegram stops the progress bar on the button."""
    await _reply(query, submissions)


async def _reply(
    query: CallbackQuery,
    submissions: SubmissionService,
    *,
    chat_id: int | None = None,
    text: str = "",
    toast: str = "",
    keyboard: keyboards.Rows = (),
    reply_to_message_id: int | None = None,
) -> None:
    """Enqueue the answer to a press: a toast, a message, or nothing to read. The default chat is that of the button."""
    message = OutgoingMessage(
        chat_id=chat_id if chat_id is not None else _get_chat_id(query),
        text=text,
        toast=toast,
        keyboard=keyboard,
        reply_to_message_id=reply_to_message_id,
        callback_query_id=query.id,
    )
    await submissions.enqueue_message(message, "press", query.id)


async def _get_language(query: CallbackQuery, users: UserStore) -> str:
    return await users.get_language(query.from_user.id, query.from_user.language_code)


def _get_chat_id(query: CallbackQuery) -> int:
    return query.message.chat.id if query.message is not None else query.from_user.id


def _is_owner(query: CallbackQuery, job: JobView) -> bool:
    return PhotoOrigin.model_validate_json(job.payload).user_id == query.from_user.id
