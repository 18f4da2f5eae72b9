"""Handlers of commands in private chats. /stats is for operators only."""

from aiogram import Router
from aiogram.filters import Command, CommandStart
from aiogram.types import Message, User

from bot.handlers.filters import is_private
from bot.handlers.replies import reply_to
from bot.locales import translate
from bot.presentation import keyboards
from bot.services.consent import ConsentService
from bot.services.messenger import Messenger
from bot.services.privacy import retention_days
from bot.services.submissions import SubmissionService
from bot.services.wait_estimate import WaitEstimator
from bot.storage.statistics import AnswerStatistics
from bot.storage.users import UserStore
from bot.telegram.handler_flags import CHANGES_DATA
from shared.config.overrides import SettingsOverrides
from shared.contract.names import Queue


def create_router() -> Router:
    """Return the router of commands."""
    router = Router(name="commands")
    router.message.register(_start, CommandStart(), is_private)
    router.message.register(_help, Command("help"), is_private)
    router.message.register(_language, Command("language"), is_private)
    router.message.register(_privacy, Command("privacy"), is_private)
    router.message.register(_cancel, Command("cancel"), is_private, flags=CHANGES_DATA)
    router.message.register(_delete_me, Command("delete_me"), is_private, flags=CHANGES_DATA)
    router.message.register(_stats, Command("stats"), is_private)
    return router


async def _start(message: Message, messenger: Messenger, users: UserStore, consent: ConsentService) -> None:
    language, user = await _get_language(message, users)
    parts = [translate(language, "start"), translate(language, "photo-instructions")]
    keyboard: keyboards.Rows = ()
    if not await consent.is_given(user.id):
        parts.append(consent.question(language))
        keyboard = keyboards.consent(language)
    await reply_to(message, messenger, "\n\n".join(parts), keyboard=keyboard)


async def _help(message: Message, messenger: Messenger, users: UserStore) -> None:
    language, _ = await _get_language(message, users)
    await reply_to(message, messenger, f"{translate(language, 'photo-instructions')}\n\n{translate(language, 'help')}")


async def _language(message: Message, messenger: Messenger, users: UserStore) -> None:
    language, _ = await _get_language(message, users)
    await reply_to(message, messenger, translate(language, "language-question"), keyboard=keyboards.languages())


async def _privacy(message: Message, messenger: Messenger, users: UserStore, overrides: SettingsOverrides) -> None:
    language, _ = await _get_language(message, users)
    await reply_to(message, messenger, translate(language, "privacy", days=retention_days(overrides.current)))


async def _cancel(message: Message, messenger: Messenger, submissions: SubmissionService, users: UserStore) -> None:
    language, user = await _get_language(message, users)
    await reply_to(message, messenger, translate(language, "cancelled", photos=await submissions.withdraw(user.id)))


async def _delete_me(message: Message, messenger: Messenger, users: UserStore) -> None:
    language, _ = await _get_language(message, users)
    await reply_to(message, messenger, translate(language, "delete-question"), keyboard=keyboards.deletion(language))


async def _stats(
    message: Message,
    messenger: Messenger,
    users: UserStore,
    statistics: AnswerStatistics,
    wait_estimator: WaitEstimator,
    overrides: SettingsOverrides,
) -> None:
    language, user = await _get_language(message, users)
    if str(user.id) not in overrides.current.admins.replace(" ", "").split(","):
        await reply_to(message, messenger, translate(language, "only-photos-hint"))
        return
    today, latencies, counts = await statistics.get_today(), await statistics.get_latencies(), wait_estimator.counts
    queue = counts.queues[Queue.INTERACTIVE] if counts is not None else None
    text = translate(
        language,
        "stats",
        verdicts=today.get("verdict", 0),
        refusals=today.get("refusal", 0),
        failures=today.get("failure", 0),
        median=_format_quantile(latencies, 0.5),
        p99=_format_quantile(latencies, 0.99),
        ready=queue.ready if queue else 0,
        oldest=round(queue.oldest_s) if queue else 0,
        claimed=counts.claimed if counts else 0,
        workers=counts.workers if counts else 0,
        speed=round(counts.images_per_second) if counts else 0,
        dead=counts.dead_letters if counts else 0,
    )
    await reply_to(message, messenger, text)


async def _get_language(message: Message, users: UserStore) -> tuple[str, User]:
    user = message.from_user
    assert user is not None  # noqa: S101 - Telegram's messages in private chats have a sender
    return await users.get_language(user.id, user.language_code), user


def _format_quantile(sorted_values: list[float], share: float) -> str:
    return (
        f"{sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]:.1f}" if sorted_values else "?"
    )
