"""Asks Telegram for updates and has them handled, those of different chats at the same time."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import structlog
from aiogram import Bot, Dispatcher
from aiogram.exceptions import ClientDecodeError, TelegramAPIError, TelegramRetryAfter, TelegramUnauthorizedError
from aiogram.types import Update

log = structlog.get_logger(__name__)

#: How long Telegram may hold a request for updates. Seconds.
_HELD_S: Final = 20

#: A reply that takes so much longer than that is lost. Seconds.
_LATE_S: Final = 15

_PAUSE_S: Final = 3.0


async def poll(bot: Bot, dispatcher: Dispatcher, kinds: Sequence[str]) -> None:
    """Ask for updates of these kinds until cancelled. Raises `TelegramUnauthorizedError` for a token that is none.

    Updates are done for Telegram when the next ones are asked for, and that is when all of them were handled: one that
    is cut off comes again. aiogram's own polling handles one after the other, or confirms what it has not handled.
    """
    offset: int | None = None
    while True:
        try:
            updates = await bot.get_updates(
                offset=offset, timeout=_HELD_S, allowed_updates=list(kinds), request_timeout=_HELD_S + _LATE_S
            )
        except TelegramUnauthorizedError:
            raise
        except TelegramRetryAfter as error:
            await asyncio.sleep(error.retry_after)
        except (TelegramAPIError, ClientDecodeError) as error:
            log.warning("Telegram brings no updates, trying again", error=type(error).__name__)
            await asyncio.sleep(_PAUSE_S)
        else:
            await asyncio.gather(*(_in_order(bot, dispatcher, chat) for chat in _by_chat(updates)))
            if updates:
                offset = updates[-1].update_id + 1


async def _in_order(bot: Bot, dispatcher: Dispatcher, updates: Iterable[Update]) -> None:
    for update in updates:
        try:
            await dispatcher.feed_update(bot, update)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next update must come to its turn
            log.error("an update failed", error=type(error).__name__)  # noqa: TRY400 - it holds names and texts


def _by_chat(updates: Iterable[Update]) -> Iterable[list[Update]]:
    chats: dict[int, list[Update]] = defaultdict(list)
    for update in updates:
        chats[_chat(update)].append(update)
    return chats.values()


def _chat(update: Update) -> int:
    query = update.callback_query
    if query is not None:
        return query.message.chat.id if query.message is not None else query.from_user.id
    event = update.message or update.my_chat_member
    return event.chat.id if event is not None else 0
