"""Calls of the Bot API. Their errors are sorted into the four kinds that a sender must tell apart."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, TypeVar

import structlog
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiohttp import ClientError

from bot.metrics import CallOutcome

T = TypeVar("T")

log = structlog.get_logger(__name__)


class SendError(Exception):
    """Base of the errors of a call. No message names a chat or a token.

    `outcome` is the one in the metrics.
    """

    outcome: ClassVar[CallOutcome]


class RateLimited(SendError):
    """Raised when Telegram asks to wait `retry_after_s` seconds."""

    outcome = CallOutcome.TOO_FAST

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"retry after {retry_after_s} s")
        self.retry_after_s = retry_after_s


class ChatUnavailable(SendError):
    """Raised when the user blocked the bot or left, or when the chat does not exist any more."""

    outcome = CallOutcome.UNWANTED


class Rejected(SendError):
    """Raised when Telegram refuses a call for good. The message is Telegram's."""

    outcome = CallOutcome.REJECTED

    @property
    def is_missing_topic(self) -> bool:
        """True if the topic was deleted or closed."""
        description = str(self).lower()
        return "thread not found" in description or "topic_closed" in description or "topic_deleted" in description


class OutcomeUnknown(SendError):
    """Raised when a call may or may not have taken effect: the connection broke, or Telegram failed."""

    outcome = CallOutcome.UNCERTAIN


_CHAT_UNAVAILABLE: Final = (
    "chat not found",
    "user is deactivated",
    "bot was kicked",
    "peer_id_invalid",
    # The bot may write nothing in this group.
    "chat_write_forbidden",
    "not enough rights to send text messages",
    "have no rights to send a message",
)


async def call_api(action: Callable[[], Awaitable[T]], *, timeout_s: float | None = None) -> T | None:
    """Await `action()`, at most for `timeout_s`. Raises a `SendError`, or aiogram's error if the token is wrong.

    Returns:
        The result; None where Telegram says that an edit would not change the message, or where the call took effect
        but its result cannot be read.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await action()
    except (TelegramUnauthorizedError, TelegramNotFound):
        # The token is wrong, so the caller must not treat this as a failure of the message.
        raise
    except (TelegramAPIError, ClientDecodeError, ClientError, TimeoutError) as error:
        send_error = _classify(error)
        if send_error is not None:
            # Without the cause: the text of some of these errors holds the address that was called, hence the token.
            raise send_error from None
        if isinstance(error, ClientDecodeError):
            log.warning("the result of a call cannot be read, taking the call as done")
        return None


def outcome_of(error: BaseException) -> CallOutcome:
    """Return the outcome of a call that raised `error`."""
    if isinstance(error, TelegramConflictError):
        return CallOutcome.CONFLICT
    if isinstance(error, TelegramUnauthorizedError | TelegramNotFound):
        return CallOutcome.UNAUTHORIZED
    if isinstance(error, TelegramMigrateToChat):
        # The call is made again in the supergroup.
        return CallOutcome.OK
    if not isinstance(error, Exception):
        # It took too long, or the bot stops.
        return CallOutcome.UNCERTAIN
    send_error = _classify(error)
    return CallOutcome.OK if send_error is None else send_error.outcome


def _classify(error: Exception) -> SendError | None:
    """Return what `error` means for a sender; None if the call took effect."""
    if isinstance(error, TelegramRetryAfter):
        return RateLimited(error.retry_after)
    if isinstance(error, TelegramForbiddenError):
        return ChatUnavailable()
    if isinstance(error, TelegramEntityTooLarge):
        return Rejected("too large")
    if isinstance(error, TelegramBadRequest):
        return _classify_bad_request(error)
    if isinstance(error, ClientDecodeError) and isinstance(error.data, dict) and error.data.get("ok") is True:
        # The result has a form that this release does not know. To repeat the call would be to do it twice.
        return None
    if isinstance(error, TelegramAPIError) and not isinstance(error, TelegramNetworkError | TelegramServerError):
        return Rejected(type(error).__name__)
    return OutcomeUnknown(type(error).__name__)


def _classify_bad_request(error: TelegramBadRequest) -> SendError | None:
    description = error.message.lower()
    if "message is not modified" in description:
        return None
    if any(text in description for text in _CHAT_UNAVAILABLE):
        return ChatUnavailable()
    return Rejected(error.message)
