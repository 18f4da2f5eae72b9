"""HTTP session for calls of the Bot API."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import ClientDecodeError, TelegramBadRequest, TelegramMigrateToChat
from aiogram.methods import GetUpdates, Response, TelegramMethod
from aiogram.methods.base import TelegramType

from bot.metrics import METRICS, CallKind, CallOutcome
from bot.telegram.api_calls import outcome_of

log = structlog.get_logger(__name__)


class CachingSession(AiohttpSession):
    """aiogram's session, extended: it counts all calls, and caches the pydantic models of replies.

    aiogram builds `Response[...]` for each call. pydantic drops such a model when nothing refers to it, and building
    it again costs more than the rest of the call.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._models: dict[type, Any] = {}
        self.middleware(MigrationMiddleware())
        # The last is the innermost: it counts a call that is repeated in another chat twice.
        self.middleware(_count_method)

    def check_response(
        self, bot: Bot, method: TelegramMethod[TelegramType], status_code: int, content: str
    ) -> Response[TelegramType]:
        """Parse a reply. Raises aiogram's errors."""
        kind = type(method)
        if kind not in self._models:
            self._models[kind] = Response[method.__returning__]  # type: ignore[name-defined]
        return super().check_response(bot, method, status_code, content)

    async def make_request(
        self, bot: Bot, method: TelegramMethod[TelegramType], timeout: int | None = None
    ) -> TelegramType:
        """Make a call. Raises aiogram's errors."""
        try:
            return await super().make_request(bot, method, timeout)
        except UnicodeDecodeError as error:
            # The page of a proxy.
            raise ClientDecodeError("the reply is not UTF-8", error, None) from error

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,
        chunk_size: int = 65536,
        raise_for_status: bool = True,
    ) -> AsyncGenerator[bytes, None]:
        """Download a file. Raises aiohttp's errors."""
        with _counting(CallKind.DOWNLOAD):
            async for chunk in super().stream_content(url, headers, timeout, chunk_size, raise_for_status):
                yield chunk


async def _count_method(
    make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
) -> Any:
    is_poll = method.__api_method__ == GetUpdates.__api_method__
    with _counting(CallKind.POLL if is_poll else CallKind.METHOD):
        return await make_request(bot, method)


@contextmanager
def _counting(kind: CallKind) -> Iterator[None]:
    try:
        yield
    except asyncio.CancelledError:
        # A request for updates is cancelled when the bot stops, any other call when it takes too long.
        if kind is not CallKind.POLL:
            METRICS.telegram_calls.labels(kind=kind, outcome=CallOutcome.UNCERTAIN).inc()
        raise
    except BaseException as error:
        METRICS.telegram_calls.labels(kind=kind, outcome=outcome_of(error)).inc()
        raise
    METRICS.telegram_calls.labels(kind=kind, outcome=CallOutcome.OK).inc()


class MigrationMiddleware(BaseRequestMiddleware):
    """Repeats a call in the supergroup that a group has become.

    Telegram gives a supergroup another id and new message ids. So a repeated call replies to no message, and an
    edit fails as if its message were deleted.
    """

    def __init__(self) -> None:
        self._migrated_to: dict[int, int] = {}

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Any:
        """Make the call, in the supergroup if the group is known to have become one."""
        chat_id = getattr(method, "chat_id", None)
        if chat_id not in self._migrated_to:
            try:
                return await make_request(bot, method)
            except TelegramMigrateToChat as error:
                if chat_id is None:
                    raise
                self._migrated_to[chat_id] = error.migrate_to_chat_id
                log.info("a group has become a supergroup, following it")
        if getattr(method, "message_id", None) is not None or getattr(method, "message_ids", None) is not None:
            # The numbers may be those of other messages there.
            raise TelegramBadRequest(method=method, message="message to edit not found")
        new: dict[str, Any] = {"chat_id": self._migrated_to[chat_id]}
        if getattr(method, "reply_parameters", None) is not None:
            new["reply_parameters"] = None
        return await make_request(bot, method.model_copy(update=new))
