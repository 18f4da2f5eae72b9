"""Long polling: asks Telegram for updates and has them handled, those of different users at the same time."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Final

import structlog
from aiogram import Bot, Dispatcher
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import Update

from bot.telegram.updates import GetRawUpdates, parse_update

log = structlog.get_logger(__name__)

#: Takes updates that need no handling out of those that were fetched, and returns the others.
Intake = Callable[[list[dict[str, Any]]], Awaitable[list[dict[str, Any]]]]

#: Telegram may hold a request for updates so long. Seconds.
_POLL_TIMEOUT_S: Final = 20

#: A reply that takes so much longer than that is lost. Seconds.
_REPLY_GRACE_S: Final = 15

_ERROR_PAUSE_S: Final = 3.0

#: Of a user's updates so many are handled before the others are looked at again.
_UPDATES_AT_ONCE: Final = 10

#: An update as Telegram sent it, and as it was read.
_RawAndParsed = tuple[dict[str, Any], Update]


async def poll(bot: Bot, dispatcher: Dispatcher, intake: Intake, update_types: Sequence[str]) -> None:
    """Poll until cancelled. Raises `TelegramUnauthorizedError` or `TelegramNotFound` for a wrong token.

    The next request for updates confirms the ones before it. It is made once all of them were handled, so that Telegram
    sends an update again if its handler was cut off. aiogram's own polling handles updates one after the other, or
    confirms updates that were not handled.
    """
    offset: int | None = None
    while True:
        try:
            contents = await bot(
                GetRawUpdates(offset=offset, timeout=_POLL_TIMEOUT_S, allowed_updates=list(update_types)),
                request_timeout=_POLL_TIMEOUT_S + _REPLY_GRACE_S,
            )
        except (TelegramUnauthorizedError, TelegramNotFound):
            raise
        except TelegramRetryAfter as error:
            await asyncio.sleep(error.retry_after)
        except (TelegramAPIError, ClientDecodeError) as error:
            log.warning("asking Telegram for updates failed, trying again", error=type(error).__name__)
            await asyncio.sleep(_ERROR_PAUSE_S)
        else:
            read = [(content, parse_update(content, bot)) for content in await _take_safely(intake, contents)]
            updates = [(content, update) for content, update in read if update is not None]
            users = _group_by_user(updates)
            await asyncio.gather(*(_handle_user(bot, dispatcher, intake, user) for user in users))
            if contents:
                # Also past updates that cannot be read.
                offset = contents[-1]["update_id"] + 1


async def _take_safely(intake: Intake, contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        return await intake(contents)
    except Exception as error:  # noqa: BLE001 - the next updates must be handled, whatever form these have
        log.error("the overflow cannot be taken out, handling all", error=type(error).__name__)  # noqa: TRY400
        return contents


async def _handle_user(bot: Bot, dispatcher: Dispatcher, intake: Intake, updates: Sequence[_RawAndParsed]) -> None:
    """Handle the updates of one user. The first may use up the allowance, so the others go through `intake` again."""
    await _handle_in_order(bot, dispatcher, [update for _, update in updates[:_UPDATES_AT_ONCE]])
    for start in range(_UPDATES_AT_ONCE, len(updates), _UPDATES_AT_ONCE):
        some = updates[start : start + _UPDATES_AT_ONCE]
        kept = {content["update_id"] for content in await _take_safely(intake, [content for content, _ in some])}
        await _handle_in_order(bot, dispatcher, [update for _, update in some if update.update_id in kept])


async def _handle_in_order(bot: Bot, dispatcher: Dispatcher, updates: Iterable[Update]) -> None:
    for is_photo, group in groupby(updates, key=_is_photo):
        if is_photo:
            # Photos that follow one another are handled at the same time: their calls to Redis share round trips.
            await asyncio.gather(*(_handle(bot, dispatcher, update) for update in group))
        else:
            for update in group:
                await _handle(bot, dispatcher, update)


async def _handle(bot: Bot, dispatcher: Dispatcher, update: Update) -> None:
    try:
        await dispatcher.feed_update(bot, update)
    except Exception as error:  # noqa: BLE001 - after any error the next update must be handled
        log.error("an update failed", error=type(error).__name__)  # noqa: TRY400 - it holds names and texts


def _is_photo(update: Update) -> bool:
    return update.message is not None and bool(update.message.photo)


def _group_by_user(updates: Iterable[_RawAndParsed]) -> Iterable[list[_RawAndParsed]]:
    """Group by who caused the updates, not by chat: a user may withdraw in one chat what was sent in another."""
    users: dict[int, list[_RawAndParsed]] = defaultdict(list)
    for content, update in updates:
        event = update.message or update.edited_message or update.callback_query or update.my_chat_member
        user = event.from_user if event is not None else None
        users[user.id if user is not None else 0].append((content, update))
    return users.values()
