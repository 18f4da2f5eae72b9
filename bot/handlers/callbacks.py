"""Handlers of button presses. Only the user who sent a photo may ask what its answer means or rate the answer."""

from aiogram import Router
from aiogram.types import CallbackQuery, Message
from pydantic import ValidationError

from bot.handlers.replies import get_thread_id
from bot.locales import list_languages, translate
from bot.presentation import button_data, keyboards, rendering
from bot.services.consent import ConsentService
from bot.services.messenger import Messenger
from bot.services.privacy import PrivacyService
from bot.services.submissions import SubmissionService
from bot.storage.messages.outgoing_message import OutgoingMessage
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.statistics import AnswerStatistics
from bot.storage.users import UserStore
from bot.telegram.handler_flags import CHANGES_DATA
from shared.contract.decision import decision_from_json
from shared.ledger.records import JobView


def create_router() -> Router:
    """Return the router of button presses."""
    router = Router(name="callbacks")
    router.callback_query.register(_give_consent, button_data.GiveConsent.filter(), flags=CHANGES_DATA)
    router.callback_query.register(_choose_language, button_data.ChooseLanguage.filter())
    router.callback_query.register(_explain_answer, button_data.ExplainAnswer.filter())
    router.callback_query.register(_ask_feedback, button_data.AskFeedback.filter())
    router.callback_query.register(_give_feedback, button_data.GiveFeedback.filter())
    router.callback_query.register(_ask_deletion, button_data.AskDeletion.filter())
    router.callback_query.register(_confirm_deletion, button_data.ConfirmDeletion.filter(), flags=CHANGES_DATA)
    router.callback_query.register(_ignore)
    return router


async def _give_consent(
    query: CallbackQuery,
    messenger: Messenger,
    submissions: SubmissionService,
    users: UserStore,
    consent: ConsentService,
) -> None:
    language = await _get_language(query, users)
    await consent.record(query.from_user.id)
    photos = await submissions.submit_pending_photos(query.from_user.id, query.from_user.language_code)
    await _reply(query, messenger, translate(language, "consent-thanks-waiting" if photos else "consent-thanks"))


async def _choose_language(
    query: CallbackQuery, callback_data: button_data.ChooseLanguage, messenger: Messenger, users: UserStore
) -> None:
    language = callback_data.language
    if language not in list_languages():
        await _ignore(query, messenger)
        return
    await users.set_language(query.from_user.id, language)
    await _reply(query, messenger, translate(language, "language-changed"))


async def _explain_answer(
    query: CallbackQuery,
    callback_data: button_data.ExplainAnswer,
    messenger: Messenger,
    submissions: SubmissionService,
    users: UserStore,
) -> None:
    language = await _get_language(query, users)
    job = await _find_own_job(query, callback_data.job_id, messenger, submissions, language)
    if job is None:
        return
    try:
        decision = decision_from_json(job.decision)
    except ValidationError:
        await _answer(query, messenger, translate(language, "answer-expired"))
        return
    await _reply(query, messenger, rendering.render_explanation(decision, language), is_reply=True)


async def _ask_feedback(
    query: CallbackQuery,
    callback_data: button_data.AskFeedback,
    messenger: Messenger,
    submissions: SubmissionService,
    users: UserStore,
) -> None:
    language = await _get_language(query, users)
    if await _find_own_job(query, callback_data.job_id, messenger, submissions, language) is None:
        return
    await _reply(
        query,
        messenger,
        translate(language, "feedback-question"),
        keyboard=keyboards.feedback(language, callback_data.job_id),
        is_reply=True,
    )


async def _give_feedback(
    query: CallbackQuery,
    callback_data: button_data.GiveFeedback,
    messenger: Messenger,
    submissions: SubmissionService,
    users: UserStore,
    statistics: AnswerStatistics,
) -> None:
    language = await _get_language(query, users)
    if await _find_own_job(query, callback_data.job_id, messenger, submissions, language) is None:
        return
    await statistics.record_feedback(callback_data.rating, callback_data.job_id)
    await _answer(query, messenger, translate(language, "feedback-thanks"))


async def _ask_deletion(query: CallbackQuery, messenger: Messenger, users: UserStore) -> None:
    language = await _get_language(query, users)
    await _reply(
        query, messenger, translate(language, "delete-question"), keyboard=keyboards.deletion(language), is_private=True
    )


async def _confirm_deletion(
    query: CallbackQuery, messenger: Messenger, users: UserStore, privacy: PrivacyService
) -> None:
    language = await _get_language(query, users)
    await privacy.erase_user(query.from_user.id)
    await _reply(query, messenger, translate(language, "delete-done"), is_private=True)


async def _ignore(query: CallbackQuery, messenger: Messenger) -> None:
    """Answer a press without a message, so that Telegram stops the progress bar on the button."""
    await _answer(query, messenger)


async def _answer(query: CallbackQuery, messenger: Messenger, toast: str = "") -> None:
    """Enqueue the answer to a press: a text that Telegram shows over the chat for a moment, or nothing to read."""
    message = OutgoingMessage(chat_id=_get_chat_id(query), toast=toast, callback_query_id=query.id)
    await messenger.enqueue(message, "press", query.id)


async def _reply(
    query: CallbackQuery,
    messenger: Messenger,
    text: str,
    *,
    keyboard: keyboards.Rows = (),
    is_private: bool = False,
    is_reply: bool = False,
) -> None:
    """Enqueue the answer to a press without a text, and a message.

    The message goes to the chat of the button or, if it `is_private`, to the user's private chat. `is_reply`: it
    replies to the message with the button.
    """
    await _answer(query, messenger)
    shown = query.message
    is_here = not is_private or _get_chat_id(query) == query.from_user.id
    message = OutgoingMessage(
        chat_id=_get_chat_id(query) if is_here else query.from_user.id,
        thread_id=get_thread_id(shown) if is_here and isinstance(shown, Message) else None,
        text=text,
        keyboard=keyboard,
        reply_to_message_id=shown.message_id if is_reply and shown is not None else None,
    )
    await messenger.enqueue(message, "press", "message", query.id)


async def _get_language(query: CallbackQuery, users: UserStore) -> str:
    return await users.get_language(query.from_user.id, query.from_user.language_code)


def _get_chat_id(query: CallbackQuery) -> int:
    return query.message.chat.id if query.message is not None else query.from_user.id


async def _find_own_job(
    query: CallbackQuery, job_id: str, messenger: Messenger, submissions: SubmissionService, language: str
) -> JobView | None:
    """Return the job whose answer has the button. If there is none, or if it is another user's, answer the press."""
    job = await submissions.get_job(job_id)
    if job is None or not job.payload:
        await _answer(query, messenger, translate(language, "answer-expired"))
        return None
    if PhotoOrigin.model_validate_json(job.payload).user_id != query.from_user.id:
        await _answer(query, messenger, translate(language, "button-not-yours"))
        return None
    return job
