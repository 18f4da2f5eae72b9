"""Commands of people in a private chat, and /stats for operators."""

from typing import Final

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandStart
from aiogram.types import BotCommand, Message, User

from bot.locales import translate
from bot.presentation import keyboards
from bot.services.submissions import SubmissionService, consent_question, retention_days
from bot.storage.outgoing_message import OutgoingMessage
from bot.storage.statistics import AnswerStatistics
from shared.contract.names import Queue

#: As Telegram lists them, with the name of the text that says what each does.
_LISTED: Final = {
    "start": "command-start",
    "help": "command-help",
    "language": "command-language",
    "privacy": "command-privacy",
    "cancel": "command-cancel",
    "delete_me": "command-delete",
}


def make_router() -> Router:
    """Handlers of commands."""
    router = Router(name="commands")
    private = F.chat.type == ChatType.PRIVATE
    router.message.register(_start, CommandStart(), private)
    router.message.register(_help, Command("help"), private)
    router.message.register(_language, Command("language"), private)
    router.message.register(_privacy, Command("privacy"), private)
    router.message.register(_cancel, Command("cancel"), private)
    router.message.register(_delete, Command("delete_me"), private)
    router.message.register(_stats, Command("stats"), private)
    return router


def listed(language: str, *, group: bool = False) -> list[BotCommand]:
    """What Telegram shows beside the text field of a private chat, or of a group."""
    names = {"check": "command-check"} if group else _LISTED
    return [BotCommand(command=name, description=translate(language, what)) for name, what in names.items()]


async def _start(message: Message, desk: SubmissionService) -> None:
    language, user = await _who(message, desk)
    parts = [translate(language, "start"), translate(language, "photograph-howto")]
    rows: keyboards.Rows = ()
    if not await desk.people.has_consented(user.id):
        parts.append(consent_question(language, desk.settings))
        rows = keyboards.consent(language)
    await _say(message, desk, "\n\n".join(parts), rows)


async def _help(message: Message, desk: SubmissionService) -> None:
    language, _ = await _who(message, desk)
    await _say(message, desk, f"{translate(language, 'photograph-howto')}\n\n{translate(language, 'help')}")


async def _language(message: Message, desk: SubmissionService) -> None:
    language, _ = await _who(message, desk)
    await _say(message, desk, translate(language, "language-question"), keyboards.languages())


async def _privacy(message: Message, desk: SubmissionService) -> None:
    language, _ = await _who(message, desk)
    await _say(message, desk, translate(language, "privacy", days=retention_days(desk.settings)))


async def _cancel(message: Message, desk: SubmissionService) -> None:
    language, user = await _who(message, desk)
    await _say(message, desk, translate(language, "cancelled", photographs=await desk.cancel(user.id)))


async def _delete(message: Message, desk: SubmissionService) -> None:
    language, _ = await _who(message, desk)
    await _say(message, desk, translate(language, "delete-question"), keyboards.delete(language))


async def _stats(message: Message, desk: SubmissionService, statistics: AnswerStatistics) -> None:
    language, user = await _who(message, desk)
    if str(user.id) not in desk.settings.admins.replace(" ", "").split(","):
        await _say(message, desk, translate(language, "hint"))
        return
    today, latencies, counts = await statistics.today(), await statistics.latencies(), desk.load.counts
    waiting = counts.queues[Queue.INTERACTIVE] if counts is not None else None
    await _say(
        message,
        desk,
        translate(
            language,
            "stats",
            verdicts=today.get("verdict", 0),
            refusals=today.get("refusal", 0),
            failures=today.get("failure", 0),
            median=_quantile(latencies, 0.5),
            most=_quantile(latencies, 0.99),
            ready=waiting.ready if waiting else 0,
            oldest=round(waiting.oldest_s) if waiting else 0,
            claimed=counts.claimed if counts else 0,
            workers=counts.workers if counts else 0,
            speed=round(counts.images_per_second) if counts else 0,
            dead=counts.dead_letters if counts else 0,
        ),
    )


async def _who(message: Message, desk: SubmissionService) -> tuple[str, User]:
    user = message.from_user
    assert user is not None  # noqa: S101 - Telegram's messages in private chats have a sender
    return await desk.people.language(user.id, user.language_code), user


async def _say(message: Message, desk: SubmissionService, words: str, rows: keyboards.Rows = ()) -> None:
    await desk.enqueue_message(
        OutgoingMessage(chat=message.chat.id, text=words, keyboard=rows), str(message.message_id)
    )


def _quantile(values: list[float], share: float) -> str:
    return f"{values[min(len(values) - 1, int(share * len(values)))]:.1f}" if values else "?"
